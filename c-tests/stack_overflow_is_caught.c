// Threads that run over their guard page, with calls at every depth, get SIGSEGV on
// their alternate stack, make calls there and jump out of it, again and again.
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

static NOINLINE int deep(int n) {
    volatile char room[512];
    room[0] = (char)n;
    raw0(SYS_getppid); // at every depth, down to the last bytes
    return n < 0 ? 0 : deep(n + 1) + room[0];
}

static void *body(void *unused) {
    (void)unused;
    static __thread char altstack[32768];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    for (volatile int turn = 0; turn < 50; turn++) {
        if (!sigsetjmp(back, 1)) {
            deep(1);
            CHECK(!"the stack has an end");
        }
    }
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    for (int i = 0; i < 5; i++) join_thread(start_thread(body, NULL, 65536));
    CHECK_EQ(faults, 250);
    PASS();
}
