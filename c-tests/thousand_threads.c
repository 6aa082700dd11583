// 1,000 threads alive at once all make calls of their own, each at warm sites and at
// one that it is the first to execute; each sees its own thread id.
#include "threads.h"

enum { COUNT = 1000 };
static pthread_barrier_t all_there;
static pid_t ids[COUNT];
static long long sum;

static void *body(void *argument) {
    long number = (long)argument;
    ids[number] = raw0(SYS_gettid);
    pthread_barrier_wait(&all_there);
    unsigned char code[8];
    emit_call(code, SYS_gettid);
    call_fn cold = (call_fn)make_code(code, sizeof code, PROT_READ | PROT_EXEC);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(cold(0, 0, 0), ids[number]);
        CHECK_EQ(raw0(SYS_gettid), ids[number]);
        CHECK_EQ(syscall(SYS_gettid), ids[number]);
        CHECK_EQ(rawreg(SYS_gettid, 0, 0, 0, 0, 0, 0), ids[number]);
        CHECK_EQ(raw0(SYS_getpid), getpid());
        if (i % 10 == 0) sched_yield();
    }
    __atomic_fetch_add(&sum, number, __ATOMIC_RELAXED);
    pthread_barrier_wait(&all_there);
    return (void *)(number + 1);
}

int main(void) {
    static pthread_t threads[COUNT];
    CHECK_EQ(pthread_barrier_init(&all_there, NULL, COUNT), 0);
    for (long i = 0; i < COUNT; i++) threads[i] = start_thread(body, (void *)i, 65536);
    for (long i = 0; i < COUNT; i++) CHECK_EQ((long)join_thread(threads[i]), i + 1);
    CHECK_EQ(sum, COUNT * (COUNT - 1) / 2);
    for (int i = 0; i < COUNT; i++)
        for (int j = i + 1; j < COUNT; j++) CHECK(ids[i] != ids[j]);
    PASS();
}
