// fork while other threads are in the middle of calls and of first executions: the
// child works, at cold sites too, may start threads of its own, and forks again.
#include "threads.h"

static volatile int stop;
static void *caller(void *argument) {
    int cold_too = (long)argument & 1;
    while (!stop) {
        for (int i = 0; i < 50; i++) CHECK_EQ(raw0(SYS_getppid), syscall(SYS_getppid));
        sched_yield();
        if (cold_too) {
            unsigned char code[8];
            emit_call(code, SYS_getppid);
            void *at = make_code(code, 8, PROT_READ | PROT_EXEC);
            CHECK_EQ(((call_fn)at)(0, 0, 0), getppid());
            CHECK_EQ(munmap(at, PAGE), 0);
        }
    }
    return NULL;
}

static void *in_child(void *parent) {
    CHECK_EQ(raw0(SYS_getppid), (long)parent);
    unsigned char code[8];
    emit_call(code, SYS_gettid);
    call_fn cold = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
    for (int i = 0; i < 20; i++) CHECK_EQ(cold(0, 0, 0), raw0(SYS_gettid));
    return NULL;
}

int main(void) {
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) threads[i] = start_thread(caller, (void *)i, 0);
    long me = getpid();
    for (int turn = 0; turn < 150; turn++) {
        int status;
        IN_CHILD(status, {
            in_child((void *)me);
            CHECK_EQ(status_number("Threads"), 1);
            for (int i = 0; i < 3; i++) join_thread(start_thread(in_child, (void *)me, 0));
            int inner;
            long child = getpid();
            IN_CHILD(inner, {
                in_child((void *)child);
                _exit(3);
            });
            CHECK_EQ(inner, 3 << 8);
            _exit(4);
        });
        CHECK_EQ(status, 4 << 8);
    }
    stop = 1;
    for (int i = 0; i < 4; i++) join_thread(threads[i]);
    PASS();
}
