// Shows that what a vfork's child does to its signal handlers and mask, SIGSYS, SIGILL and SIGSEGV
// included, leaves its parent's as they were, although they share all memory.
// cflags: -Wno-clobbered
#include "clone.h"

static volatile int child_saw[64];

static void of_parent(int signal) { (void)signal; }
static void of_child(int signal) { child_saw[signal] = 1; }

static int child(void *argument) {
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGUSR1, SIGTRAP};
    // The parent's handlers are the child's to begin with.
    for (int i = 0; i < 5; i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) != 0 || action.sa_handler != of_parent) return 1;
    }
    for (int i = 0; i < 5; i++) {
        struct sigaction action = {.sa_handler = i % 2 ? SIG_IGN : of_child};
        if (sigaction(signals[i], &action, NULL) != 0) return 2;
    }
    struct sigaction now;
    if (sigaction(SIGSYS, NULL, &now) != 0 || now.sa_handler != of_child) return 3;
    if (sigaction(SIGILL, NULL, &now) != 0 || now.sa_handler != SIG_IGN) return 4;
    sigset_t all, seen;
    sigfillset(&all);
    raise(SIGUSR1); // ignored by now
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0) return 5;
    if (sigprocmask(SIG_BLOCK, NULL, &seen) != 0 || !sigismember(&seen, SIGSYS) || !sigismember(&seen, SIGILL)) return 6;
    if (raw0(SYS_getpid) == *(long *)argument) return 7;
    return 55;
}

static void check_parent(void) {
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGUSR1, SIGTRAP};
    struct sigaction action;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(sigaction(signals[i], NULL, &action), 0);
        CHECK(action.sa_handler == of_parent);
    }
    sigset_t mask;
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    for (int signal = 1; signal < 65; signal++) CHECK_EQ(sigismember(&mask, signal), signal == SIGUSR2);
}

int main(void) {
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGUSR1, SIGTRAP};
    struct sigaction action = {.sa_handler = of_parent};
    for (int i = 0; i < 5; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &mask, NULL), 0);
    long me = raw0(SYS_getpid);
    unsigned char *stack = shared_memory(65536);
    for (int round = 0; round < 60; round++) {
        long pid;
        if (round % 3 == 0) {
            pid = vfork();
            if (pid == 0) _exit(child(&me));
        } else if (round % 3 == 1) {
            pid = raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + 65536, NULL, NULL, NULL, child, &me);
        } else { // not even waited for
            pid = raw_clone(CLONE_VM | SIGCHLD, stack + 65536, NULL, NULL, NULL, child, &me);
        }
        CHECK(pid > 0);
        int status;
        CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
        CHECK_EQ(status, 55 << 8);
        check_parent();
    }
    // And the other way: a child that shares handlers changes its parent's.
    long pid = raw_clone(CLONE_VM | CLONE_SIGHAND | SIGCHLD, stack + 65536, NULL, NULL, NULL, child, &me);
    int status;
    CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_EQ(status, 55 << 8);
    CHECK_EQ(sigaction(SIGSYS, NULL, &action), 0);
    CHECK(action.sa_handler == of_child);
    CHECK_EQ(sigaction(SIGILL, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_IGN);
    CHECK_EQ(raw0(SYS_getpid), me);
    PASS();
}
