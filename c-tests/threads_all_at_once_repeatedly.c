// Bursts of 50 threads, started by several threads at once, joined and detached and
// cancelled: areas are given back and found again without a race.
#include "threads.h"

static int ended;
static void *worker(void *argument) {
    (void)argument;
    long id = raw0(SYS_gettid);
    for (int i = 0; i < 20; i++) CHECK_EQ(syscall(SYS_gettid), id);
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *sleeper(void *argument) {
    (void)argument;
    for (;;) pause();
    return NULL;
}

static void *starter(void *argument) {
    (void)argument;
    for (int burst = 0; burst < 20; burst++) {
        pthread_t threads[50];
        for (int i = 0; i < 50; i++) threads[i] = start_thread(i % 10 == 9 ? sleeper : worker, NULL, 32768);
        for (int i = 0; i < 50; i++) {
            if (i % 10 == 9) {
                CHECK_EQ(pthread_cancel(threads[i]), 0);
                CHECK(join_thread(threads[i]) == PTHREAD_CANCELED);
            } else if (i % 2)
                CHECK_EQ(pthread_detach(threads[i]), 0);
            else
                join_thread(threads[i]);
        }
    }
    return NULL;
}

int main(void) {
    pthread_t starters[4];
    for (int i = 0; i < 4; i++) starters[i] = start_thread(starter, NULL, 0);
    for (int i = 0; i < 4; i++) join_thread(starters[i]);
    while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) < 4 * 20 * 45) sched_yield();
    printf("%d\n", ended);
    PASS();
}
