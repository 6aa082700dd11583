// CLONE_CLEAR_SIGHAND leaves which signals are ignored, and nothing else: neither flags nor masks.
#include "check.h"
#include <linux/sched.h>

int main(void) {
    static const int signals[] = {SIGUSR1, SIGSYS, SIGILL, SIGSEGV, SIGCHLD};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_handler = SIG_IGN, .sa_flags = SA_RESTART | SA_NODEFER};
        sigaddset(&action.sa_mask, SIGUSR2);
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    }
    struct clone_args arguments = {.flags = 0x100000000ull, .exit_signal = 0};
    long child = raw2(SYS_clone3, &arguments, sizeof arguments);
    CHECK(child >= 0);
    if (child == 0) {
        for (int sig = 1; sig <= 64; sig++) {
            unsigned long now[4];
            if (sig == SIGKILL || sig == SIGSTOP) continue;
            CHECK_EQ(raw4(SYS_rt_sigaction, sig, NULL, now, 8), 0);
            if (now[0] | now[1] | now[2] | now[3]) printf("%d: %lx %lx %lx %lx\n", sig, now[0], now[1], now[2], now[3]);
        }
        fflush(stdout);
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, __WALL), child);
    CHECK_EQ(status, 0);
    PASS();
}
