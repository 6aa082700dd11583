// A signal whose handler has no stack to run on becomes SIGSEGV, which the application
// catches on its alternate stack, makes calls there and jumps out of it.
#include "threads.h"
#include <setjmp.h>

static __thread sigjmp_buf back;
static volatile sig_atomic_t faults;
static void on_fault(int sig) {
    (void)sig;
    CHECK_EQ(raw0(SYS_getpid), getpid());
    CHECK_EQ(syscall(600), -1);
    faults++;
    siglongjmp(back, 1);
}
static void on_signal(int sig) { CHECK_EQ(sig, 0); }

static void *body(void *unused) {
    (void)unused;
    static __thread char altstack[32768];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    for (volatile int turn = 0; turn < 50; turn++) {
        // A handler that is to run on a stack which is not there.
        if (!sigsetjmp(back, 1)) {
            __asm__ volatile("mov %0, %%rsp\n\tmov $234, %%eax\n\tsyscall\n\tud2" ::"r"(4096l), "D"(getpid()), "S"(raw0(SYS_gettid)), "d"(SIGUSR1));
            __builtin_unreachable();
        }
    }
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    struct sigaction other = {.sa_handler = on_signal};
    CHECK_EQ(sigaction(SIGUSR1, &other, NULL), 0);
    for (int i = 0; i < 5; i++) join_thread(start_thread(body, NULL, 65536));
    CHECK_EQ(faults, 250);
    PASS();
}
