// Shows that threads which fork at the same time, while others make calls and come and go, each
// get a child that works: 200 forks over four threads, the children making threads of their own.
// also: sud vetted load
#include "code.h"
#include <pthread.h>

enum { FORKERS = 4, FORKS = 50 };

static _Atomic int stop;

static void *calls(void *arg) {
    (void)arg;
    long me = raw0(SYS_gettid);
    while (!atomic_load(&stop)) {
        CHECK_EQ(raw0(SYS_gettid), me);
        CHECK_EQ(raw1(SYS_close, -1), -EBADF);
        raw0(SYS_sched_yield);
    }
    return NULL;
}

static void *short_life(void *arg) { return (void *)(raw0(SYS_getpid) + (intptr_t)arg); }

static void *forker(void *arg) {
    intptr_t index = (intptr_t)arg;
    long parent = raw0(SYS_getpid);
    for (int n = 0; n < FORKS; n++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            // The child's only thread has the process's id, whichever thread forked.
            long me = raw0(SYS_getpid);
            if (raw0(SYS_gettid) != me || raw0(SYS_getppid) != parent) _exit(2);
            pthread_t thread[2];
            void *result;
            for (intptr_t t = 0; t < 2; t++)
                if (pthread_create(&thread[t], NULL, short_life, (void *)t) != 0) _exit(3);
            for (intptr_t t = 0; t < 2; t++)
                if (pthread_join(thread[t], &result) != 0 || (long)result != me + t) _exit(4);
            _exit(10 + (int)index);
        }
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, (10 + (int)index) << 8);
    }
    return NULL;
}

int main(void) {
    pthread_t caller[2], thread[FORKERS];
    for (int t = 0; t < 2; t++) CHECK_EQ(pthread_create(&caller[t], NULL, calls, NULL), 0);
    for (intptr_t t = 0; t < FORKERS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, forker, (void *)t), 0);
    for (int t = 0; t < FORKERS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    atomic_store(&stop, 1);
    for (int t = 0; t < 2; t++) CHECK_EQ(pthread_join(caller[t], NULL), 0);
    PASS();
}
