// A thread made with CLONE_VFORK: its maker waits for its end, and both leave nothing behind
// that later threads share.
#include "threads.h"
#include <sched.h>
#include <sys/mman.h>

long raw_thread(long flags, void *stack);
__asm__(".text\n"
        "raw_thread:\n"
        "  mov $56, %eax\n"
        "  xor %edx, %edx\n"
        "  xor %r10d, %r10d\n"
        "  xor %r8d, %r8d\n"
        "  syscall\n"
        "  test %rax, %rax\n"
        "  jz 1f\n"
        "  ret\n"
        "1: mov $39, %eax\n"
        "  syscall\n"
        "  mov $60, %eax\n"
        "  xor %edi, %edi\n"
        "  syscall\n");

static void *caller(void *unused) {
    for (int i = 0; i < 5000; i++) CHECK_EQ(raw0(SYS_gettid), gettid());
    return unused;
}

int main(void) {
    enum { STACK = 65536, THREADS = 6 };
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    long flags = CLONE_VM | CLONE_VFORK | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES;
    for (int turn = 0; turn < 5; turn++) {
        for (int i = 0; i < 3; i++) CHECK(raw_thread(flags, stack + STACK) > 0);
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&threads[i], NULL, caller, NULL), 0);
        for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    PASS();
}
