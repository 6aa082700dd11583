// Signals that wait blocked, with the codes of faults, are in nobody's way: SIGSYS, and calls that trap, come through
// beside them, and they come themselves when they are let in. (The kernel itself delivers one of them in place of another
// signal of these kinds, blocked as it is: that one is not looked at.)
#include "check.h"

static const int signals[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGFPE, SIGILL};
static volatile int arrived, sigsys;

static void handler(int sig, siginfo_t *info, void *context) {
    (void)context, (void)info;
    if (sig == SIGSYS)
        sigsys++;
    else
        arrived |= 1 << sig;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    int all = 0;
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    for (int round = 0; round < 100; round++) {
        sigset_t set;
        sigemptyset(&set);
        for (int i = 0; i < 5; i++) {
            CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
            sigaddset(&set, signals[i]);
            all |= 1 << signals[i];
        }
        CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        for (int i = 0; i < 5; i++) {
            siginfo_t info = {.si_signo = signals[i], .si_code = 1};
            CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signals[i], &info), 0);
        }
        arrived = sigsys = 0;
        for (int i = 0; i < 10; i++) {
            CHECK_EQ(kill(getpid(), SIGSYS), 0);
            CHECK_EQ(sigsys, i + 1);
            CHECK_EQ(syscall(600), -1);
        }
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
        CHECK_EQ(arrived, all);
    }
    PASS();
}
