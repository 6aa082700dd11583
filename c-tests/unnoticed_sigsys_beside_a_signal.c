// A SIGSYS or SIGILL that is blocked or ignored comes together with a signal that is caught, in any order and at any
// distance: the call that waits ends with EINTR, or restarts, as that signal has it; none gets lost.
// One in the moment of a trap is another matter: all sites are rewritten by then.
// modes: native rewrite fallback stat command
#include "interrupted_calls.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

enum { REPETITIONS = 200, KINDS = 9 };

static pid_t victim;
static int unnoticed;
static volatile int turn, restarts;
static int pipes[2], epoll;

static void spin(unsigned steps) {
    for (volatile unsigned i = 0; i < steps; i++) {}
}

static void *assail_twice(void *argument) {
    unsigned random = 1;
    (void)argument;
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, SIGUSR1);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &caught, NULL), 0);
    for (int i = 0; i < KINDS * REPETITIONS; i++) {
        while (turn == i || thread_state(getpid(), victim) != 'S') sched_yield();
        // At its first traps a site may sleep, too.
        if (i < 2 * KINDS) wait_until_asleep(getpid(), victim);
        random = random * 1103515245 + 12345;
        int first = i < 2 * KINDS || random >> 16 & 1;
        unsigned distance = (random >> 17) % 4000;
        CHECK_EQ(syscall(SYS_tgkill, getpid(), victim, first ? unnoticed : SIGUSR1), 0);
        spin(distance);
        CHECK_EQ(random >> 30 ? kill(getpid(), first ? SIGUSR1 : unnoticed) : syscall(SYS_tgkill, getpid(), victim, first ? SIGUSR1 : unnoticed), 0);
        while (handled == i) sched_yield();
        if (restarts) CHECK_EQ(write(pipes[1], "x", 1), 1);
    }
    return NULL;
}

static void all_calls(void) {
    struct timespec time = {1000, 0};
    struct timeval val = {1000, 0};
    uint64_t mask = 1ull << (unnoticed - 1);
    struct { uint64_t *set; size_t size; } packed = {&mask, 8};
    struct pollfd quiet = {.fd = -1};
    struct epoll_event event;
    char byte;
    int word = 0;
    handled = turn = 0;
    pthread_t thread = start_thread(assail_twice, NULL, 0);
    for (int i = 0; i < KINDS * REPETITIONS; i++) {
        long result = 0, wanted = -EINTR;
        turn = i + 1;
        switch (i % KINDS) {
        case 0: result = raw3(SYS_poll, &quiet, 1, -1); break;
        case 1: result = rawreg(SYS_poll, (long)&quiet, 1, -1, 0, 0, 0); break;
        case 2: result = raw5(SYS_select, 0, 0, 0, 0, &val); break;
        case 3: result = raw4(SYS_epoll_wait, epoll, &event, 1, -1); break;
        case 4: result = raw2(SYS_nanosleep, &time, NULL); break;
        case 5: result = raw5(SYS_ppoll, &quiet, 1, NULL, &mask, 8); break;
        case 6: result = raw6(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &packed); break;
        case 7: result = raw4(SYS_futex, &word, FUTEX_WAIT, 0, &time); break;
        case 8:
            result = raw3(SYS_read, pipes[0], &byte, 1);
            if (restarts) wanted = 1;
            break;
        }
        CHECK_EQ(result, wanted);
        CHECK_EQ(handled, i + 1);
        if (restarts && i % KINDS != 8) CHECK_EQ(read(pipes[0], &byte, 1), 1);
    }
    join_thread(thread);
}

int main(void) {
    sigset_t only;
    victim = (pid_t)raw0(SYS_gettid);
    CHECK_EQ(pipe(pipes), 0);
    CHECK((epoll = epoll_create1(0)) >= 0);
    for (int round = 0; round < 8; round++) {
        unnoticed = round & 4 ? SIGILL : SIGSYS;
        sigemptyset(&only);
        sigaddset(&only, unnoticed);
        struct sigaction action = {.sa_handler = round & 1 ? SIG_IGN : count_signal};
        restarts = round & 2;
        catch_signal(SIGUSR1, restarts ? SA_RESTART : 0);
        CHECK_EQ(sigaction(unnoticed, &action, NULL), 0);
        CHECK_EQ(pthread_sigmask(round & 1 ? SIG_UNBLOCK : SIG_BLOCK, &only, NULL), 0);
        all_calls();
        // The one that waits is not to be counted as another's.
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        CHECK_EQ(sigaction(unnoticed, &ignore, NULL), 0);
    }
    PASS();
}
