// An rt_sigprocmask that blocks SIGSYS or SIGILL and lets in a signal that is pending: its handler runs, once, at the end of the
// call, and that stays blocked.
#include "check.h"

static volatile int handled, blocked;
static void handler(int signal) {
    (void)signal;
    handled++;
    sigset_t now;
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    CHECK_EQ(sigismember(&now, blocked), 1);
}

int main(void) {
    const int signals[] = {SIGUSR1, SIGILL, SIGSEGV, SIGRTMIN, SIGSYS};
    for (int round = 0; round < 400; round++) {
        int signal_number = signals[round % 5];
        blocked = signal_number == SIGILL || (signal_number != SIGSYS && round & 1) ? SIGSYS : SIGILL;
        struct sigaction action = {.sa_handler = handler};
        CHECK_EQ(sigaction(signal_number, &action, NULL), 0);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal_number);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
        CHECK_EQ(raise(signal_number), 0);
        CHECK_EQ(handled, round);
        sigemptyset(&set);
        sigaddset(&set, blocked);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
        CHECK_EQ(handled, round + 1);
        CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &set), 0);
        CHECK_EQ(sigismember(&set, blocked), 1);
        CHECK_EQ(sigismember(&set, signal_number), 0);
    }
    PASS();
}
