// What a handler writes into the context is obeyed: another result in rax, other
// registers, a new rip, vector registers, a mask; for handlers in and out of calls.
#include "check.h"
#include <ucontext.h>

static volatile int what;
extern char elsewhere[], landing[];
long call_it(long nr, long pid, long tid, long sig);
__asm__(".text\n"
        "call_it:\n" // rdi nr, then the arguments of tgkill
        "  mov %rdi, %rax\n"
        "  mov %rsi, %rdi\n"
        "  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n"
        "  push %rbx\n"
        "  mov $5, %ebx\n"
        "  syscall\n"
        "landing:\n"
        "  add %rbx, %rax\n"
        "  pop %rbx\n"
        "  ret\n"
        "elsewhere:\n"
        "  mov $1000, %eax\n"
        "  jmp landing\n");

static void edit(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    ucontext_t *c = context;
    switch (what) {
    case 1: c->uc_mcontext.gregs[REG_RAX] = 42; break;
    case 2: c->uc_mcontext.gregs[REG_RBX] = 100; break;
    case 3: c->uc_mcontext.gregs[REG_RIP] = (greg_t)elsewhere; break;
    case 4: sigaddset(&c->uc_sigmask, SIGUSR2); break;
    case 5: c->uc_mcontext.fpregs->_xmm[0].element[0] = 0x12345678; break;
    case 6: c->uc_mcontext.gregs[REG_RIP] += 3; break; // over `ud2; nop`
    }
}

int main(void) {
    struct sigaction action = {.sa_sigaction = edit, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
    long pid = getpid();
    for (int turn = 0; turn < 100; turn++) {
        what = 0;
        CHECK_EQ(call_it(SYS_tgkill, pid, pid, SIGUSR1), 5);
        what = 1;
        CHECK_EQ(call_it(SYS_tgkill, pid, pid, SIGUSR1), 47);
        what = 2;
        CHECK_EQ(call_it(SYS_tgkill, pid, pid, SIGUSR1), 100);
        what = 3;
        CHECK_EQ(call_it(SYS_tgkill, pid, pid, SIGUSR1), 1005);
        what = 4;
        CHECK_EQ(call_it(SYS_tgkill, pid, pid, SIGUSR1), 5);
        sigset_t now;
        CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &now), 0);
        CHECK_EQ(sigismember(&now, SIGUSR2), 1);
        CHECK_EQ(sigismember(&now, SIGUSR1), 0);
        sigdelset(&now, SIGUSR2);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &now, NULL), 0);
        what = 5;
        uint32_t word = 0;
        __asm__ volatile("pxor %%xmm0, %%xmm0\n\t"
                         "mov $234, %%eax\n\t"
                         "syscall\n\t"
                         "movd %%xmm0, %0"
                         : "=r"(word)
                         : "D"(pid), "S"(pid), "d"(SIGUSR1)
                         : "rax", "rcx", "r11", "xmm0", "memory");
        CHECK_EQ(word, 0x12345678);
        what = 6;
        long went_on = 0;
        __asm__ volatile("ud2\n\tnop\n\tmov $1, %0" : "=r"(went_on));
        CHECK_EQ(went_on, 1);
    }
    PASS();
}
