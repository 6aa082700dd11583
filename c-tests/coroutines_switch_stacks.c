// swapcontext between 100 small stacks, with calls and signals on each, and a jump out of
// a handler to another stack: nothing depends on one stack a thread.
#include "check.h"
#include <ucontext.h>

enum { COUNT = 100, ROUNDS = 50, SIZE = 32768 };
static ucontext_t contexts[COUNT], home;
static long steps, signals;

static void handler(int sig) {
    (void)sig;
    signals++;
    raw0(SYS_getppid);
}

static void body(int number) {
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(syscall(SYS_getppid), getppid());
        if (i % 10 == 0) CHECK_EQ(raise(SIGUSR1), 0);
        steps += number;
        CHECK_EQ(swapcontext(&contexts[number], &contexts[(number + 1) % COUNT]), 0);
    }
    if (number != COUNT - 1) CHECK_EQ(setcontext(&contexts[number + 1]), 0);
}

int main(void) {
    struct sigaction action = {.sa_handler = handler};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(getcontext(&contexts[i]), 0);
        contexts[i].uc_stack.ss_sp = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        contexts[i].uc_stack.ss_size = SIZE;
        contexts[i].uc_link = &home;
        makecontext(&contexts[i], (void (*)(void))body, 1, i);
    }
    CHECK_EQ(swapcontext(&home, &contexts[0]), 0);
    printf("%ld steps, %ld signals\n", steps, signals);
    PASS();
}
