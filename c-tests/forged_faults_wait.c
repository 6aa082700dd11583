// A fault signal that a thread sends to itself with the code of a fault is a signal like any other: blocked it waits, in
// a handler that blocks it too, and comes with what was sent when it is let in.
#include "check.h"

static volatile int handled, code, inside;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    handled++;
    code = info->si_code;
    if (!inside) return;
    inside = 0;
    CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, info), 0);
    CHECK_EQ(handled, 1); // it is blocked here
}

int main(void) {
    const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE};
    for (int i = 0; i < 400; i++) {
        int sig = signals[i % 4];
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (i % 3 == 0 ? SA_RESETHAND : 0)};
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        siginfo_t info = {.si_signo = sig, .si_code = 1 + i % 2};
        sigset_t set, pending;
        sigemptyset(&set);
        sigaddset(&set, sig);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        handled = 0;
        CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, &info), 0);
        CHECK_EQ(handled, 0);
        CHECK_EQ(sigpending(&pending), 0);
        CHECK_EQ(sigismember(&pending, sig), 1);
        inside = i % 3 != 0;
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
        CHECK_EQ(handled, i % 3 ? 2 : 1);
        CHECK_EQ(code, 1 + i % 2);
    }
    PASS();
}
