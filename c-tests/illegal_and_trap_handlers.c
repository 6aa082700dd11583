// The application's SIGILL and SIGTRAP handlers get ud2, other invalid opcodes, int3 and
// raise(), with the codes and addresses of the native run.
#include "check.h"
#include <ucontext.h>

static volatile sig_atomic_t count, code, number;
static void *volatile where;
static volatile greg_t rip;
static void on_ud2(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    number = sig;
    count++;
    code = info->si_code;
    where = info->si_addr;
    rip = c->uc_mcontext.gregs[REG_RIP];
    CHECK_EQ(raw0(SYS_getpid), getpid());
    if (code == ILL_ILLOPN) c->uc_mcontext.gregs[REG_RIP] += 2;
}
static void on_signal(int sig, siginfo_t *info, void *context) {
    number = sig;
    count++;
    code = info->si_code;
    where = NULL;
    rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_ud2, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
    action.sa_sigaction = on_signal;
    CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
    for (int turn = 0; turn < 100; turn++) {
        extern char the_ud2[], after_int3[];
        count = 0;
        if (turn == 0)
            __asm__ volatile(".globl the_ud2\nthe_ud2: ud2");
        else
            __asm__ volatile("ud2");
        CHECK_EQ(count, 1);
        CHECK_EQ(number, SIGILL);
        CHECK_EQ(code, ILL_ILLOPN);
        CHECK_EQ(where, rip);
        if (turn == 0) CHECK_EQ(rip, the_ud2);
        // 0x06 (push es) and others are invalid in 64-bit mode: the application's own too.
        if (turn == 1) {
            static const unsigned char old[] = {0x06, 0x90, 0xc3};
            ((call_fn)make_code(old, 3, PROT_READ | PROT_EXEC))(0, 0, 0);
            CHECK_EQ(count, 2);
            CHECK_EQ(code, ILL_ILLOPN);
        }
        CHECK_EQ(raise(SIGILL), 0);
        CHECK_EQ(code, SI_TKILL);
        CHECK_EQ(kill(getpid(), SIGILL), 0);
        CHECK_EQ(code, SI_USER);
        count = 0;
        if (turn == 0) {
            __asm__ volatile("int3\n.globl after_int3\nafter_int3:");
            CHECK_EQ(rip, after_int3);
        } else
            __asm__ volatile("int3");
        CHECK_EQ(count, 1);
        CHECK_EQ(number, SIGTRAP);
        CHECK_EQ(code, SI_KERNEL);
        CHECK_EQ(raise(SIGTRAP), 0);
        CHECK_EQ(code, SI_TKILL);
        CHECK_EQ(count, 2);
    }
    PASS();
}
