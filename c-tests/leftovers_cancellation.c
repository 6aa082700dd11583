// modes: native trap rewrite
// timeout: 300
// 100,000 threads are cancelled, deferred or at any instruction: before, in and behind calls that
// wait, in loops of calls and in a loop without. Cleanup handlers run once each, nothing is left.
#include "leftovers.h"
#include "threads.h"
#include <semaphore.h>
#include <time.h>

static int fds[2], begun[2], cleaned;
static sem_t semaphore;
static void clean(void *argument) {
    (void)argument;
    raw0(SYS_getpid);
    cleaned++;
}

// Those that wait; those that spin, which cost the other threads of the machine more.
enum { WAITING = 8, SPINNING = 6 };
struct order {
    int kind, asynchronous, tell;
};
static void *body(void *argument) {
    struct order order = *(struct order *)argument;
    char byte;
    struct timespec long_time = {1000, 0};
    sigset_t none;
    sigemptyset(&none);
    pthread_cleanup_push(clean, NULL);
    if (order.tell) CHECK_EQ(raw3(SYS_write, begun[1], "x", 1), 1);
    if (order.asynchronous) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    switch (order.kind) {
    case 0: (void)!read(fds[0], &byte, 1); break;
    case 1: pause(); break;
    case 2: sem_wait(&semaphore); break;
    case 3: sleep(1000); break;
    case 4: sigsuspend(&none); break;
    case 5: for (;;) nanosleep(&(struct timespec){0, 1000}, NULL); break;
    case 6: raw3(SYS_read, fds[0], &byte, 1); break;
    case 7: raw4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, NULL); break;
    case WAITING: for (;;) raw0(SYS_getpid), syscall(600), pthread_testcancel(); break;
    case WAITING + 1: for (volatile long i = 0;; i++); break;
    case WAITING + 2: for (;;) raw0(SYS_getpid); break;
    case WAITING + 3: for (;;) syscall(SYS_getppid), rawreg(600, 0, 0, 0, 0, 0, 0); break;
    case WAITING + 4: for (;;) raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &none, 8), raw2(SYS_sigaltstack, NULL, NULL); break;
    case WAITING + 5: for (;;) close(-1); break;
    }
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void) {
    CHECK_EQ(pipe(fds) | pipe(begun), 0);
    CHECK_EQ(sem_init(&semaphore, 0, 0), 0);
    long rounds = all_rounds();
    for (long round = 0; round < rounds; round++) {
        struct order order;
        order.kind = round % 9 ? round % WAITING : WAITING + round / 9 % SPINNING;
        // Some kinds have no cancellation point.
        order.asynchronous = round / 64 % 2 || order.kind == 6 || order.kind == 7 || order.kind > WAITING;
        order.tell = round % 4 != 0;
        pthread_t thread = start_thread(body, &order, 65536);
        char byte;
        // At once, when it has begun, a little later, or when it waits.
        if (order.tell) CHECK_EQ(read(begun[0], &byte, 1), 1);
        for (int i = 0; round % 4 == 2 && i < 5; i++) sched_yield();
        if (round % 8 == 3) usleep(1);
        CHECK_EQ(pthread_cancel(thread), 0);
        CHECK(join_thread(thread) == PTHREAD_CANCELED);
        CHECK_EQ(cleaned, round + 1);
        round_is_over(round, rounds);
    }
    PASS();
}
