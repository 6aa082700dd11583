// A filter is the thread's that installed it and of those that it makes afterwards, or, synchronised,
// of all; a thread with another filter prevents that, and is named.
// also: sud vetted
#include "own_filter.h"
#include <pthread.h>

static pthread_barrier_t barrier;
static volatile long seen[3];
static volatile int tid;

static long probe(void) {
    long result = raw1(SYS_setfsuid, -1);
    long handler = raw4(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 8);
    return result < 0 ? result * 1000 + handler : handler;
}

static void both(unsigned verdict, unsigned flags, long want) {
    struct sock_filter code[] = {
        LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setfsuid, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 1, 0), GIVE(SECCOMP_RET_ALLOW), GIVE(verdict),
    };
    CHECK_EQ(install(flags, code, LENGTH(code)), want);
}

static void *young(void *arg) {
    *(long *)arg = probe();
    return arg;
}

static void *sibling(void *arg) {
    tid = (int)raw0(SYS_gettid);
    seen[0] = probe();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    seen[1] = probe();
    if (arg) both(SECCOMP_RET_ERRNO | 2, 0, 0);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    seen[2] = probe();
    return NULL;
}

static void run(unsigned flags, int another) {
    pthread_t thread, child;
    long later = 1;
    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
    CHECK_EQ(pthread_create(&thread, NULL, sibling, another ? &barrier : NULL), 0);
    pthread_barrier_wait(&barrier);
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (!another) both(SECCOMP_RET_ERRNO | 7, flags, 0);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    if (another) both(SECCOMP_RET_ERRNO | 7, flags, flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : tid);
    pthread_barrier_wait(&barrier);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    long own = probe();
    CHECK_EQ(pthread_create(&child, NULL, young, &later), 0);
    CHECK_EQ(pthread_join(child, NULL), 0);
    printf("sibling %ld %ld %ld, own %ld, child %ld\n", seen[0], seen[1], seen[2], own, later);
    fflush(stdout);
}

int main(void) {
    int status;
    for (int turn = 0; turn < 3; turn++) {
        IN_CHILD(status, run(0, 0));
        CHECK_EQ(status, 0);
        IN_CHILD(status, run(SECCOMP_FILTER_FLAG_TSYNC, 0));
        CHECK_EQ(status, 0);
        IN_CHILD(status, run(SECCOMP_FILTER_FLAG_TSYNC, 1));
        CHECK_EQ(status, 0);
        IN_CHILD(status, run(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, 1));
        CHECK_EQ(status, 0);
    }
    PASS();
}
