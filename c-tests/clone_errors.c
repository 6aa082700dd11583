// Shows that clone and clone3 with flags, sizes, stacks and pointers that are wrong fail with the
// kernel's own errors; the results are printed and compared.
#include "clone.h"

enum { STACK = 32768 };

static int quick(void *argument) { (void)argument; return 9; }

static unsigned char *stack;

static void report(const char *what, long result) {
    if (result > 0) {
        int status;
        CHECK_EQ(waitpid((pid_t)result, &status, __WALL), result);
        printf("%s: child, status 0x%x\n", what, status);
    } else {
        printf("%s: %ld\n", what, result);
    }
    fflush(stdout);
}

#define CLONE(flags, own) report("clone " #flags ", stack " #own, raw_clone((flags), (own), NULL, NULL, NULL, quick, NULL))
#define CLONE3(size, ...)                                                              \
    do {                                                                               \
        unsigned char room_[2 * PAGE] = {0};                                           \
        struct clone_args args_ = {__VA_ARGS__};                                       \
        memcpy(room_, &args_, sizeof args_);                                           \
        report("clone3 " #size " " #__VA_ARGS__, raw_clone3(room_, (size), quick, NULL)); \
    } while (0)

int main(void) {
    stack = shared_memory(STACK);
    signal(64, SIG_IGN);
    unsigned char *top = stack + STACK;
    CLONE(SIGCHLD, NULL);
    CLONE(0, NULL);
    CLONE(SIGCHLD, top);
    CLONE(SIGCHLD, top - 1);
    CLONE(SIGCHLD, top - 8);
    CLONE(CLONE_VM | SIGCHLD, top - 13);
    CLONE(CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    CLONE(CLONE_THREAD, top);
    CLONE(CLONE_THREAD | CLONE_VM, top);
    CLONE(CLONE_SIGHAND, top);
    CLONE(CLONE_SIGHAND | SIGCHLD, NULL);
    CLONE(CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL);
    CLONE(CLONE_NEWUSER | CLONE_FS | SIGCHLD, NULL);
    CLONE(CLONE_PARENT | SIGCHLD | CLONE_THREAD, NULL);
    CLONE(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL);
    CLONE(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL);
    CLONE(CLONE_DETACHED | SIGCHLD, NULL);
    CLONE(CLONE_PIDFD | SIGCHLD, NULL); // no pointer to store it at
    CLONE(CLONE_PARENT_SETTID | SIGCHLD, NULL);
    CLONE(CLONE_CHILD_SETTID | SIGCHLD, NULL);
    CLONE(CLONE_SETTLS | SIGCHLD, NULL);
    CLONE(CLONE_UNTRACED | CLONE_PTRACE | SIGCHLD, NULL);
    CLONE(64, NULL);
    CLONE(65, NULL);
    CLONE(200, NULL);
    CLONE(255, NULL);
    CLONE((long)0xffffffff00000000 | SIGCHLD, NULL);
    CLONE(0x100000000l /* CLONE_CLEAR_SIGHAND */ | SIGCHLD, NULL);

    CLONE3(0, .exit_signal = SIGCHLD);
    CLONE3(1, .exit_signal = SIGCHLD);
    CLONE3(63, .exit_signal = SIGCHLD);
    CLONE3(64, .exit_signal = SIGCHLD);
    CLONE3(65, .exit_signal = SIGCHLD);
    CLONE3(72, .exit_signal = SIGCHLD);
    CLONE3(80, .exit_signal = SIGCHLD);
    CLONE3(87, .exit_signal = SIGCHLD);
    CLONE3(88, .exit_signal = SIGCHLD);
    CLONE3(96, .exit_signal = SIGCHLD);
    CLONE3(200, .exit_signal = SIGCHLD);
    CLONE3(4096, .exit_signal = SIGCHLD);
    CLONE3(4097, .exit_signal = SIGCHLD);
    CLONE3((size_t)-1, .exit_signal = SIGCHLD);
    CLONE3(88, .exit_signal = 0);
    CLONE3(88, .exit_signal = 64);
    CLONE3(88, .exit_signal = 65);
    CLONE3(88, .exit_signal = 1ul << 40);
    CLONE3(88, .flags = SIGCHLD);
    CLONE3(88, .flags = CLONE_DETACHED);
    CLONE3(88, .flags = CLONE_THREAD);
    CLONE3(88, .flags = CLONE_SIGHAND);
    CLONE3(88, .flags = 1ul << 45);
    CLONE3(88, .flags = 0x100000000ul /* CLONE_CLEAR_SIGHAND */ | CLONE_VM | CLONE_SIGHAND);
    CLONE3(88, .flags = 0x100000000ul, .exit_signal = SIGCHLD);
    CLONE3(88, .flags = CLONE_PARENT, .exit_signal = SIGCHLD);
    CLONE3(88, .exit_signal = SIGCHLD, .stack = (uintptr_t)stack);
    CLONE3(88, .exit_signal = SIGCHLD, .stack_size = STACK);
    CLONE3(88, .exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = STACK);
    CLONE3(88, .exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = STACK - 5);
    CLONE3(88, .flags = CLONE_VM, .exit_signal = SIGCHLD, .stack = (uintptr_t)stack, .stack_size = STACK - 5);
    CLONE3(88, .exit_signal = SIGCHLD, .stack = 1ul << 63, .stack_size = STACK);
    CLONE3(88, .exit_signal = SIGCHLD, .set_tid_size = 1);
    CLONE3(88, .exit_signal = SIGCHLD, .set_tid_size = 33, .set_tid = (uintptr_t)stack);
    CLONE3(88, .exit_signal = SIGCHLD, .cgroup = 5);
    CLONE3(88, .flags = CLONE_PARENT_SETTID, .exit_signal = SIGCHLD);
    unsigned char tail[128] = {0};
    struct clone_args good = {.exit_signal = SIGCHLD};
    memcpy(tail, &good, sizeof good);
    tail[88] = 1;
    report("clone3 with an unknown field", raw_clone3(tail, 96, quick, NULL));
    report("clone3 of NULL", raw_clone3(NULL, 88, quick, NULL));
    report("clone3 of 1", raw_clone3((void *)1, 88, quick, NULL));
    report("clone3 of a kernel address", raw_clone3((void *)0xffffffff81000000, 88, quick, NULL));
    report("clone3 at the end of the address space", raw_clone3((void *)0x7ffffffffff8, 88, quick, NULL));
    unsigned char *edge = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(edge != MAP_FAILED);
    CHECK_EQ(mprotect(edge + PAGE, PAGE, PROT_NONE), 0);
    memcpy(edge + PAGE - 64, &good, 64);
    report("clone3 of 64 bytes at the end of a page", raw_clone3(edge + PAGE - 64, 64, quick, NULL));
    report("clone3 that reaches into no memory", raw_clone3(edge + PAGE - 64, 88, quick, NULL));
    PASS();
}
