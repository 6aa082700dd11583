// modes: native trap rewrite fallback stat
// Each thread has the GS that it has set, and those that have set none have 0: those that were there
// before as well as new ones, which begin with that of the thread that makes them. Changes by
// wrgsbase hold.
#include "gs.h"
#include "threads.h"

enum { THREADS = 8, ROUNDS = 300 };
static struct spin_barrier barrier;

static void some_calls(void) {
    raw0(SYS_gettid);
    rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
    sched_yield();
    CHECK_EQ(syscall(600), -1);
}

static void *with_own(void *number) {
    struct gs_block blocks[2];
    gs_set(&blocks[0], (unsigned long)number);
    for (int i = 0; i < ROUNDS; i++) {
        some_calls();
        CHECK_GS(&blocks[0]);
    }
    if (has_fsgsbase()) {
        blocks[1] = (struct gs_block){&blocks[1], (unsigned long)number + 100};
        for (int i = 0; i < ROUNDS; i++) {
            struct gs_block *now = &blocks[i & 1];
            gs_write(now);
            CHECK(gs_is(now));
            some_calls();
            CHECK_GS(now);
        }
        gs_write(NULL);
        some_calls();
        CHECK_EQ(gs_base(), 0);
    }
    return NULL;
}

static void *without(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        some_calls();
        CHECK_EQ(gs_base(), 0);
    }
    if (has_fsgsbase()) CHECK_EQ(gs_read(), 0);
    return NULL;
}

// Made before anybody has used GS.
static void *from_before(void *unused) {
    barrier_wait(&barrier, 2);
    barrier_wait(&barrier, 2);
    return without(unused);
}

static void *child_of(void *block) {
    CHECK_GS((struct gs_block *)block);
    struct gs_block own;
    gs_set(&own, 7);
    some_calls();
    CHECK_GS(&own);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS], before = start_thread(from_before, NULL, 0);
    barrier_wait(&barrier, 2);
    struct gs_block block;
    // A thread takes GS that is not the first one, and ends.
    join_thread(start_thread(with_own, (void *)77, 0));
    CHECK_EQ(gs_base(), 0);
    barrier_wait(&barrier, 2);
    for (long i = 0; i < THREADS; i++) threads[i] = start_thread(i & 1 ? with_own : without, (void *)i, 0);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    join_thread(before);
    CHECK_EQ(gs_base(), 0);
    gs_set(&block, 1);
    for (int i = 0; i < 100; i++) {
        join_thread(start_thread(child_of, &block, i & 1 ? PTHREAD_STACK_MIN : 0));
        CHECK_GS(&block);
    }
    PASS();
}
