// modes: native trap rewrite fallback stat
// pthread_cancel of threads blocked in a call (deferred and asynchronous) runs their
// cleanup handlers, at cold and warm sites of libc, again and again.
#include "threads.h"
#include <poll.h>
#include <semaphore.h>
#include <time.h>

static int fds[2], cleaned, started;
static sem_t semaphore;
static void clean(void *argument) {
    (void)argument;
    raw0(SYS_getpid);
    cleaned++;
}

static void *body(void *argument) {
    char byte;
    struct timespec long_time = {1000, 0};
    int kind = (long)argument;
    if (kind >= 100) CHECK_EQ(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL), 0);
    pthread_cleanup_push(clean, NULL);
    __atomic_store_n(&started, 1, __ATOMIC_RELEASE);
    switch (kind % 100) {
    case 0: (void)!read(fds[0], &byte, 1); break;
    case 1: nanosleep(&long_time, NULL); break;
    case 2: pause(); break;
    case 3: poll(NULL, 0, -1); break;
    case 4: sem_wait(&semaphore); break;
    case 5: for (;;) raw0(SYS_getpid), pthread_testcancel(); break;
    case 6: raw3(SYS_read, fds[0], &byte, 1); break;
    case 7: for (;;) syscall(SYS_getppid); break;
    }
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void) {
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(sem_init(&semaphore, 0, 0), 0);
    int expected = 0;
    for (int turn = 0; turn < 100; turn++)
        for (int kind = 0; kind < 8; kind++)
            for (int asynchronous = 0; asynchronous < 2; asynchronous++) {
                if (!asynchronous && kind >= 6) continue; // no cancellation point there
                started = 0;
                pthread_t thread = start_thread(body, (void *)(kind + 100l * asynchronous), 0);
                while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE)) sched_yield();
                for (int i = 0; i < turn % 4; i++) sched_yield();
                CHECK_EQ(pthread_cancel(thread), 0);
                CHECK(join_thread(thread) == PTHREAD_CANCELED);
                expected++;
                CHECK_EQ(cleaned, expected);
            }
    PASS();
}
