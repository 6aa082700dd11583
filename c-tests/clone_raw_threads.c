// Shows that threads made by bare clone and clone3, without any libc, with stacks of two pages and
// a TLS of their own, make their calls, find fs as given, and end without a trace.
// also: sud vetted
#include "clone.h"

enum { THREADS = 32, ROUNDS = 25, STACK = 2 * PAGE };

struct tiny {
    uint64_t tls[8];
    _Atomic int tid;
    int parent_tid, seen, index;
    unsigned char above[64];
};
static struct tiny tiny[THREADS];
static unsigned char *stacks;
static long process;

static int run(void *argument) {
    struct tiny *mine = argument;
    uint64_t from_fs;
    for (int n = 0; n < 30; n++) {
        __asm__ volatile("mov %%fs:16,%0" : "=r"(from_fs));
        if (from_fs != (uint64_t)mine->index + 1000) raw1(SYS_exit_group, 40);
        if (raw0(SYS_getpid) != process) raw1(SYS_exit_group, 41);
        if (raw0(SYS_gettid) != mine->parent_tid) raw1(SYS_exit_group, 42);
        if (raw1(SYS_close, -1) != -EBADF) raw1(SYS_exit_group, 43);
        if (n == 10) raw0(SYS_sched_yield);
    }
    mine->seen = atomic_load(&mine->tid);
    return 0;
}

int main(void) {
    process = raw0(SYS_getpid);
    stacks = mmap(NULL, (size_t)THREADS * (STACK + PAGE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stacks != MAP_FAILED);
    for (int i = 0; i < THREADS; i++) CHECK_EQ(mprotect(stacks + (size_t)i * (STACK + PAGE) + PAGE, STACK, PROT_READ | PROT_WRITE), 0);
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < THREADS; i++) {
            struct tiny *one = &tiny[i];
            unsigned char *stack = stacks + (size_t)i * (STACK + PAGE) + PAGE;
            memset(one, 0, sizeof *one);
            one->index = i;
            one->tls[2] = (uint64_t)i + 1000;
            atomic_store(&one->tid, -1);
            long made;
            if (i % 2) {
                made = raw_clone(flags, stack + STACK, &one->parent_tid, &one->tid, one->tls, run, one);
            } else {
                struct clone_args arguments = {
                    .flags = (uint64_t)flags, .stack = (uintptr_t)stack, .stack_size = STACK, .tls = (uintptr_t)one->tls,
                    .parent_tid = (uintptr_t)&one->parent_tid, .child_tid = (uintptr_t)&one->tid};
                made = raw_clone3(&arguments, sizeof arguments, run, one);
            }
            CHECK(made > 0);
            CHECK_EQ(one->parent_tid, made);
        }
        for (int i = 0; i < THREADS; i++) {
            int left;
            while ((left = atomic_load(&tiny[i].tid)) != 0) raw6(SYS_futex, &tiny[i].tid, 0 /* FUTEX_WAIT */, left, 0, 0, 0);
            CHECK_EQ(tiny[i].seen, tiny[i].parent_tid);
        }
    }
    PASS();
}
