// SA_RESETHAND while other threads are about: a handler is used up although another one looks at or
// sets actions in that moment; of two threads that get the signal at once one runs the handler, and
// an action that is set behind the delivery stays.
#include "threads.h"
#include <sched.h>
#include <stdatomic.h>

static atomic_int caught, done;
static void handler(int sig) {
    (void)sig;
    caught++;
}

static void arm(unsigned flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)flags};
    CHECK_EQ(sigaction(SIGURG, &action, NULL), 0);
}

static void *looker(void *argument) {
    (void)argument;
    struct sigaction now;
    while (!done) CHECK_EQ(sigaction(SIGUSR2, NULL, &now), 0);
    return NULL;
}

static atomic_int ready, round_of_both;
static void *taker(void *argument) {
    (void)argument;
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    for (int round = 1; round <= 2000; round++) {
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &urgent, NULL, 8), 0);
        CHECK_EQ(raw3(SYS_tgkill, raw0(SYS_getpid), raw0(SYS_gettid), SIGURG), 0);
        if (++ready == 2) {
            ready = 0;
            caught = 0;
            arm(SA_RESETHAND);
            round_of_both = round;
        }
        for (unsigned i = 1; round_of_both != round; i++)
            if (i % 64 == 0) sched_yield();
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_UNBLOCK, &urgent, NULL, 8), 0);
        if (++ready == 2) {
            CHECK_EQ(caught, 1);
            ready = 0;
            arm(0); // so that it can wait where it is not blocked by the other one
            round_of_both = -round;
        }
        for (unsigned i = 1; round_of_both != -round; i++)
            if (i % 64 == 0) sched_yield();
    }
    return NULL;
}

int main(void) {
    pthread_t other = start_thread(looker, NULL, 0);
    for (int i = 0; i < 10000; i++) {
        struct sigaction now;
        arm(SA_RESETHAND);
        caught = 0;
        CHECK_EQ(raise(SIGURG), 0);
        CHECK_EQ(caught, 1);
        CHECK_EQ(sigaction(SIGURG, NULL, &now), 0);
        CHECK(now.sa_handler == SIG_DFL);
        CHECK_EQ(raise(SIGURG), 0);
        CHECK_EQ(caught, 1);
    }
    done = 1;
    join_thread(other);
    arm(0);
    pthread_t both[2];
    for (int i = 0; i < 2; i++) both[i] = start_thread(taker, NULL, 0);
    for (int i = 0; i < 2; i++) join_thread(both[i]);
    PASS();
}
