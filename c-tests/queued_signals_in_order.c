// Realtime signals queued to a thread that is busy with calls arrive all, in order, with
// their values, in bursts that pend together and one by one.
#include "threads.h"

enum { COUNT = 20000, BURST = 50 };
static volatile int next, wrong;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    if (info->si_value.sival_int != next || info->si_code != SI_QUEUE || info->si_pid != getpid()) wrong++;
    next++;
}

static pthread_t receiver;
static void *sender(void *unused) {
    (void)unused;
    for (int i = 0; i < COUNT; i++) {
        union sigval value = {.sival_int = i};
        int error;
        while ((error = pthread_sigqueue(receiver, SIGRTMIN, value)) == EAGAIN) sched_yield();
        CHECK_EQ(error, 0);
        if (i % BURST == BURST - 1)
            while (__atomic_load_n(&next, __ATOMIC_ACQUIRE) <= i - BURST) sched_yield();
    }
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGRTMIN, &action, NULL), 0);
    receiver = pthread_self();
    pthread_t thread = start_thread(sender, NULL, 0);
    while (next < COUNT && !wrong) {
        for (int i = 0; i < 10; i++) raw0(SYS_getppid), syscall(600), rawreg(SYS_getuid, 0, 0, 0, 0, 0, 0);
        sigset_t all, old;
        sigfillset(&all);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &all, &old), 0);
        raw0(SYS_getppid);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    }
    CHECK_EQ(wrong, 0);
    join_thread(thread);
    CHECK_EQ(next, COUNT);
    PASS();
}
