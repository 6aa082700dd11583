// A handler's frame that is kept can be returned through again: each time registers, mask and
// alternate stack are those that it says, and no byte of it has changed.
#include "check.h"
#include <ucontext.h>

static char altstack[65536];
static volatile uintptr_t kept;
static volatile long returns;
static char copy[304]; // the kernel's struct ucontext
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    kept = (uintptr_t)context; // rsp of rt_sigreturn
    memcpy(copy, context, sizeof copy);
}

int main(void) {
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack}, now;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    uint64_t mask = 1ull << (SIGUSR2 - 1) | 1ull << (SIGSYS - 1) | 1ull << (SIGILL - 1), all = ~0ull, got;
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (volatile int turn = 0; turn < 50; turn++) {
        CHECK_EQ(raw2(SYS_sigaltstack, &stack, NULL), 0);
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0);
        kept = 0;
        returns = 0;
        CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR1), 0);
        // Here four times, by the frame of the first one.
        CHECK(kept != 0);
        CHECK(!memcmp((void *)kept, copy, sizeof copy));
        CHECK_EQ(raw2(SYS_sigaltstack, NULL, &now), 0);
        CHECK_EQ(now.ss_sp, altstack);
        CHECK_EQ(now.ss_size, sizeof altstack);
        CHECK_EQ(now.ss_flags, 0);
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &got, 8), 0);
        CHECK_EQ(got, mask);
        if (returns++ < 3) {
            __asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\tud2" ::"r"(kept));
            __builtin_unreachable();
        }
    }
    PASS();
}
