// Thousands of vfork children make calls on their parent's stack and end; the parent's
// locals, registers and return addresses are its own afterwards; from threads as well.
#include "threads.h"

static NOINLINE int deep(int n) {
    volatile char room[200];
    memset((char *)room, n, sizeof room);
    return n ? deep(n - 1) + room[5] - n + (raw0(SYS_getppid) > 0) : 0;
}

static NOINLINE void one(long number) {
    volatile long local = number * 3;
    long parent = raw0(SYS_getpid);
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        // Overwrites the stack below this frame, at many depths.
        int sum = deep(10);
        if (sum != 10 || raw0(SYS_getpid) == parent || syscall(SYS_getppid) != parent || raw0(600) != -ENOSYS) _exit(1);
        _exit(42);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 42 << 8);
    CHECK_EQ(local, number * 3);
    CHECK_EQ(raw0(SYS_getpid), parent);
}

static void *body(void *argument) {
    for (long i = 0; i < 500; i++) one(i + (long)argument);
    return NULL;
}

int main(void) {
    for (long i = 0; i < 2000; i++) one(i);
    pthread_t threads[3];
    for (long i = 0; i < 3; i++) threads[i] = start_thread(body, (void *)i, 65536);
    for (int i = 0; i < 3; i++) join_thread(threads[i]);
    PASS();
}
