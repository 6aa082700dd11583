// sigaction of SIGSYS, SIGILL and SIGTRAP reads back handler, flags, mask and restorer
// as they were set, the default and SIG_IGN included; calls go on being served.
#include "check.h"

// The kernel's own layout.
struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static void one(int sig) { (void)sig; }
static void three(int sig, siginfo_t *info, void *context) { (void)sig, (void)info, (void)context; }

static void cold_call(void) {
    unsigned char code[8];
    emit_call(code, SYS_getppid);
    call_fn cold = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
    CHECK_EQ(cold(0, 0, 0), getppid());
    CHECK_EQ(raw0(SYS_getpid), getpid());
}

int main(void) {
    static const int signals[] = {SIGSYS, SIGILL, SIGTRAP, SIGSEGV};
    for (int turn = 0; turn < 10; turn++)
        for (int i = 0; i < 4; i++) {
            int sig = signals[i], status;
            struct sigaction old, action;
            CHECK_EQ(sigaction(sig, NULL, &old), 0);
            CHECK(old.sa_handler == SIG_DFL);
            CHECK_EQ(old.sa_flags & ~0x04000000, 0);
            CHECK_EQ(sigisemptyset(&old.sa_mask), 1);
            action = (struct sigaction){.sa_handler = one, .sa_flags = SA_RESTART | SA_NODEFER};
            sigaddset(&action.sa_mask, SIGSYS);
            sigaddset(&action.sa_mask, SIGUSR2);
            CHECK_EQ(sigaction(sig, &action, &old), 0);
            CHECK(old.sa_handler == SIG_DFL);
            cold_call();
            CHECK_EQ(sigaction(sig, NULL, &old), 0);
            CHECK(old.sa_handler == one);
            CHECK_EQ(old.sa_flags & ~0x04000000, SA_RESTART | SA_NODEFER);
            CHECK_EQ(memcmp(&old.sa_mask, &action.sa_mask, 8), 0);
            struct kernel_action kernel = {three, SA_SIGINFO | 0x04000000, (void *)0x1234, ~0ull}, back;
            CHECK_EQ(raw4(SYS_rt_sigaction, sig, &kernel, &back, 8), 0);
            CHECK_EQ(back.handler, one);
            CHECK_EQ(back.flags, SA_RESTART | SA_NODEFER | 0x04000000);
            CHECK_EQ(back.mask, 1ull << (SIGSYS - 1) | 1ull << (SIGUSR2 - 1));
            cold_call();
            CHECK_EQ(raw4(SYS_rt_sigaction, sig, NULL, &back, 8), 0);
            CHECK_EQ(back.handler, three);
            CHECK_EQ(back.flags, SA_SIGINFO | 0x04000000);
            CHECK_EQ(back.restorer, 0x1234);
            CHECK_EQ(back.mask, ~0ull & ~(1ull << (SIGKILL - 1)) & ~(1ull << (SIGSTOP - 1)));
            action = (struct sigaction){.sa_handler = SIG_IGN};
            CHECK_EQ(sigaction(sig, &action, &old), 0);
            CHECK(old.sa_sigaction == three);
            cold_call();
            CHECK_EQ(kill(getpid(), sig), 0); // ignored
            CHECK_EQ(sigaction(sig, NULL, &old), 0);
            CHECK(old.sa_handler == SIG_IGN);
            IN_CHILD(status, {
                CHECK_EQ(sigaction(sig, NULL, &old), 0);
                CHECK(old.sa_handler == SIG_IGN);
                cold_call();
            });
            CHECK_EQ(status, 0);
            action = (struct sigaction){.sa_handler = SIG_DFL};
            CHECK_EQ(sigaction(sig, &action, &old), 0);
            CHECK(old.sa_handler == SIG_IGN);
        }
    struct sigaction never = {.sa_handler = one};
    CHECK_ERR(sigaction(SIGKILL, &never, NULL), EINVAL);
    CHECK_EQ(raw4(SYS_rt_sigaction, 65, NULL, NULL, 8), -EINVAL);
    CHECK_EQ(raw4(SYS_rt_sigaction, 0, NULL, NULL, 8), -EINVAL);
    PASS();
}
