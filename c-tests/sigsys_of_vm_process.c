// A SIGSYS or SIGILL waits for the process that it was sent to, also where two processes share all
// memory: neither sees the other's, and each that lets its own in runs the handler itself, once.
#include "clone.h"

enum { STACK = 65536, ROUNDS = 40 };

static struct spin_barrier barrier;
static int sig;
static volatile long handled_by[2], parent, child;
static void handler(int number) {
    (void)number;
    long me = raw0(SYS_getpid);
    handled_by[me == child] = handled_by[me == child] + 1;
}

static void change(int how) {
    uint64_t mask = 1ull << (sig - 1);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, how, &mask, NULL, 8), 0);
}
static int waits(void) {
    uint64_t set = 0;
    CHECK_EQ(raw2(SYS_rt_sigpending, &set, 8), 0);
    return set >> (sig - 1) & 1;
}
static void meet(void) { barrier_wait(&barrier, 2); }

static int of_child(void *argument) {
    (void)argument;
    child = raw0(SYS_getpid);
    meet(); // the parent sends itself one
    meet();
    CHECK_EQ(waits(), 0);
    change(SIG_UNBLOCK);
    CHECK_EQ(handled_by[1], 0);
    change(SIG_BLOCK);
    CHECK_EQ(raw2(SYS_kill, child, sig), 0);
    CHECK_EQ(waits(), 1);
    meet(); // the parent takes its own
    meet();
    CHECK_EQ(waits(), 1);
    CHECK_EQ(handled_by[1], 0);
    change(SIG_UNBLOCK);
    CHECK_EQ(handled_by[1], 1);
    meet();
    return 11;
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    struct sigaction action = {.sa_handler = handler};
    for (int round = 0; round < ROUNDS; round++) {
        sig = signals[round & 1];
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        parent = raw0(SYS_getpid);
        handled_by[0] = handled_by[1] = 0;
        change(SIG_BLOCK);
        unsigned char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(stack != MAP_FAILED);
        long flags = CLONE_VM | SIGCHLD | (round & 2 ? CLONE_SIGHAND | CLONE_FILES : 0);
        long pid = raw_clone(flags, stack + STACK, NULL, NULL, NULL, of_child, NULL);
        CHECK(pid > 0);
        meet();
        CHECK_EQ(raw2(SYS_kill, parent, sig), 0);
        CHECK_EQ(waits(), 1);
        meet();
        meet();
        CHECK_EQ(handled_by[0], 0);
        change(SIG_UNBLOCK);
        CHECK_EQ(handled_by[0], 1);
        CHECK_EQ(waits(), 0);
        meet();
        meet();
        CHECK_EQ(handled_by[0], 1);
        int status;
        CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
        CHECK_EQ(status, 11 << 8);
        CHECK_EQ(munmap(stack, STACK), 0);
    }
    PASS();
}
