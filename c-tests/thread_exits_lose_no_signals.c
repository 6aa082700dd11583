// Signals for the process arrive while threads end: one that such a thread has not taken any more goes
// to another one, so that all that were sent are caught.
#include "threads.h"
#include <sched.h>
#include <stdatomic.h>

static atomic_long sent, caught;
static atomic_int done;
static void handler(int sig) {
    (void)sig;
    caught++;
}

static void *sender(void *argument) {
    (void)argument;
    while (!done)
        if (sent - caught < 500 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
            sent++;
        else
            sched_yield();
    return NULL;
}

static void *ends(void *argument) {
    (void)argument;
    raw1(SYS_exit, 0); // unlike pthread_exit, with no signal blocked
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    CHECK_EQ(sigaction(SIGRTMIN, &action, NULL), 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    pthread_t other = start_thread(sender, NULL, 0);
    CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
    for (int i = 0; i < 8000; i++) join_thread(start_thread(ends, NULL, 0));
    done = 1;
    join_thread(other);
    // What waits for the process is taken here, at the latest by these calls.
    for (int i = 0; i < 100 && caught != sent; i++) raw0(SYS_getppid);
    CHECK_EQ(caught, sent);
    PASS();
}
