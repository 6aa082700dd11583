// Several signals that pend while blocked are all handled in one sigsuspend or ppoll
// with an empty mask, as they were not blocked meanwhile; then they are blocked again.
#include "check.h"
#include <time.h>

static volatile sig_atomic_t count[65], inside;
static void handler(int sig) {
    uint64_t now;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
    CHECK_EQ(now >> (sig - 1) & 1, 1);
    count[sig]++;
    inside++;
    CHECK_EQ(raw0(SYS_getpid), getpid());
}

int main(void) {
    const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGSYS, SIGRTMIN};
    uint64_t blocked = 0, empty = 0, now;
    for (int i = 0; i < 6; i++) {
        struct sigaction action = {.sa_handler = handler};
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        if (signals[i] != SIGSYS) blocked |= 1ull << (signals[i] - 1);
    }
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8), 0);
    for (int turn = 0; turn < 100; turn++) {
        memset((void *)count, 0, sizeof count);
        inside = 0;
        for (int i = 0; i < 6; i++)
            if (signals[i] != SIGSYS) CHECK_EQ(raw2(SYS_kill, getpid(), signals[i]), 0);
        CHECK_EQ(inside, 0);
        switch (turn % 3) {
        case 0: CHECK_EQ(raw2(SYS_rt_sigsuspend, &empty, 8), -EINTR); break;
        case 1: CHECK_EQ(raw5(SYS_ppoll, NULL, 0, NULL, &empty, 8), -EINTR); break;
        case 2: {
            struct { uint64_t *set; size_t size; } pair = {&empty, 8};
            CHECK_EQ(raw6(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &pair), -EINTR);
            break;
        }
        }
        CHECK_EQ(inside, 5);
        for (int i = 0; i < 6; i++) CHECK_EQ(count[signals[i]], signals[i] != SIGSYS);
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &now, 8), 0);
        CHECK_EQ(now, blocked);
        CHECK_EQ(raw2(SYS_rt_sigpending, &now, 8), 0);
        CHECK_EQ(now, 0);
    }
    PASS();
}
