// A SIGTRAP handler with SA_RESETHAND sees the one step over a call that it asked for: steps
// inside the library do not use it up.
#include "check.h"
#include <ucontext.h>

static volatile sig_atomic_t count;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
    count++;
}

long call_stepped(long stepped);
__asm__(".text\n"
        "call_stepped:\n"
        "  test %edi, %edi\n"
        "  jz 1f\n"
        "  pushfq\n"
        "  orl $0x100, (%rsp)\n"
        "  popfq\n"
        "1: mov $39, %eax\n"
        "  syscall\n"
        "  nop; nop; nop\n"
        "  ret\n");

int main(void) {
    for (int turn = 0; turn < 20; turn++) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESETHAND}, now;
        count = 0;
        CHECK_EQ(call_stepped(0), getpid());
        CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
        CHECK_EQ(call_stepped(1), getpid());
        CHECK_EQ(count, 1);
        CHECK_EQ(sigaction(SIGTRAP, NULL, &now), 0);
        CHECK(now.sa_handler == SIG_DFL);
    }
    PASS();
}
