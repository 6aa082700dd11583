// Shows that clone and clone3 give a pidfd that polls and waits as it should, and that
// a child made with clone3's CLONE_CLEAR_SIGHAND has no handlers of its parent's.
#include "clone.h"
#include <poll.h>

static int quick(void *argument) {
    while (!atomic_load((_Atomic int *)argument)) raw0(SYS_sched_yield);
    return 6;
}

static int has_default(void *argument) {
    (void)argument;
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action;
    if (raw4(SYS_rt_sigaction, SIGUSR1, 0, &action, 8) != 0 || action.handler != SIG_DFL) return 1;
    if (raw4(SYS_rt_sigaction, SIGUSR2, 0, &action, 8) != 0 || action.handler != SIG_IGN) return 2;
    if (raw4(SYS_rt_sigaction, SIGSYS, 0, &action, 8) != 0 || action.handler != SIG_DFL) return 3;
    if (raw4(SYS_rt_sigaction, SIGILL, 0, &action, 8) != 0 || action.handler != SIG_DFL) return 4;
    return 5;
}

static void handler(int signal) { (void)signal; }

int main(void) {
    _Atomic int *go = shared_memory(PAGE);
    for (int n = 0; n < 40; n++) {
        int pidfd = -1;
        atomic_store(go, 0);
        long pid;
        if (n % 2) {
            pid = raw_clone(CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL, quick, go);
        } else {
            struct clone_args arguments = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
            pid = raw_clone3(&arguments, sizeof arguments, quick, go);
        }
        CHECK(pid > 0);
        CHECK(pidfd >= 0);
        CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
        struct pollfd poll_for = {.fd = pidfd, .events = POLLIN};
        CHECK_EQ(poll(&poll_for, 1, 0), 0);
        atomic_store(go, 1);
        CHECK_EQ(poll(&poll_for, 1, -1), 1);
        siginfo_t info = {0};
        CHECK_EQ(waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED), 0);
        CHECK_EQ(info.si_pid, pid);
        CHECK_EQ(info.si_status, 6);
        CHECK_EQ(close(pidfd), 0);
    }
    struct sigaction action = {.sa_handler = handler};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
    action.sa_handler = SIG_IGN;
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    struct clone_args arguments = {.flags = 0x100000000ul, .exit_signal = SIGCHLD};
    long pid = raw_clone3(&arguments, sizeof arguments, has_default, NULL);
    CHECK(pid > 0);
    int status;
    CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_EQ(status, 5 << 8);
    PASS();
}
