// 10,000 threads created and joined in a row, then 2,000 detached ones, leave the
// size and the resident memory of the process as they were.
// The hook's malloc takes an arena for each of as many threads as ever met.
// without: guest
#include "threads.h"

static int ended;
static void *body(void *argument) {
    raw0(SYS_getpid);
    rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
    if (argument) __atomic_fetch_add(&ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void in_a_row(int count) {
    for (int i = 0; i < count; i++) join_thread(start_thread(body, NULL, 65536));
}

static void detached(int count) {
    ended = 0;
    for (int i = 0; i < count; i++) {
        CHECK_EQ(pthread_detach(start_thread(body, (void *)1, 65536)), 0);
        while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) <= i) sched_yield();
        // The exit itself: only this thread is left.
        while (status_number("Threads") > 4) sched_yield();
    }
}

int main(void) {
    in_a_row(500);
    detached(200);
    long size = status_number("VmSize"), resident = status_number("VmRSS");
    in_a_row(10000);
    CHECK(status_number("VmSize") <= size + 1024);
    CHECK(status_number("VmRSS") <= resident + 1024);
    detached(2000);
    CHECK(status_number("VmSize") <= size + 2048);
    CHECK(status_number("VmRSS") <= resident + 2048);
    PASS();
}
