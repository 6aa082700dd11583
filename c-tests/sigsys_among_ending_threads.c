// A SIGSYS or SIGILL for the process is not lost with a thread that ends while it is to take it;
// one for a thread goes with the thread, and is not the next one's.
#include "check.h"
#include <pthread.h>

enum { ROUNDS = 1500 };

static volatile int handled;
static void handler(int sig) {
    (void)sig;
    __atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}
static int sig;
static sigset_t only;

// Lets it in, and ends.
static volatile int ends;
static void *passing(void *nothing) {
    CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
    ends = 1;
    raw1(SYS_exit, 0);
    return nothing;
}
static volatile int over;
static void *staying(void *nothing) {
    CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
    while (!over) raw0(SYS_sched_yield);
    return nothing;
}

static void *keeping(void *nothing) {
    CHECK_EQ(pthread_kill(pthread_self(), sig), 0);
    sigset_t set;
    CHECK_EQ(sigpending(&set), 0);
    CHECK_EQ(sigismember(&set, sig), 1);
    return nothing;
}
static void *following(void *nothing) {
    sigset_t set;
    CHECK_EQ(sigpending(&set), 0);
    CHECK_EQ(sigismember(&set, sig), 0);
    CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
    return nothing;
}

static pthread_t start(void *(*function)(void *)) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, function, NULL), 0);
    return thread;
}
static void end(pthread_t thread) { CHECK_EQ(pthread_join(thread, NULL), 0); }

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    for (int kind = 0; kind < 2; kind++) {
        sig = signals[kind];
        struct sigaction action = {.sa_handler = handler};
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        sigemptyset(&only);
        sigaddset(&only, sig);
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
        over = 0;
        pthread_t stays = start(staying);
        for (int round = 0; round < ROUNDS; round++) {
            handled = ends = 0;
            pthread_t passes = start(passing);
            while (!ends) continue;
            for (volatile int wait = round % 100 * 20; wait; wait--) continue;
            CHECK_EQ(kill(getpid(), sig), 0);
            while (!handled) raw0(SYS_sched_yield);
            end(passes);
            CHECK_EQ(handled, 1);
        }
        over = 1;
        end(stays);
        handled = 0;
        for (int round = 0; round < ROUNDS / 10; round++) {
            end(start(keeping));
            end(start(following));
        }
        CHECK_EQ(handled, 0);
        CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
        CHECK_EQ(handled, 0);
    }
    PASS();
}
