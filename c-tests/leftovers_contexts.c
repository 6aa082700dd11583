// modes: native trap rewrite
// timeout: 300
// setcontext out of handlers, swapcontext from handlers to coroutines and back, coroutines that a
// timer's handler switches by swapcontext wherever they are in a call: 100,000 times each, nothing
// is left behind.
#include "leftovers.h"
#include <time.h>
#include <ucontext.h>

static ucontext_t home, in_handler, side;
static volatile long jumped, what, switches, visits;
static pid_t self;
static sigset_t usr1;

static void calls(void) {
    raw0(SYS_getpid);
    syscall(600);
    rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

// Out of handlers, back to where getcontext was.
static void away(int sig) {
    (void)sig;
    jumped++;
    raw0(SYS_getpid);
    setcontext(&home);
}
static void set_context_rounds(long rounds) {
    static volatile long round;
    for (round = 0; round < rounds; round++) {
        static volatile long before;
        before = jumped;
        CHECK_EQ(getcontext(&home), 0);
        if (jumped == before) {
            raw3(SYS_tgkill, self, self, round % 2 ? SIGUSR1 : SIGUSR2);
            CHECK(!"the signal came");
        }
        CHECK_EQ(jumped, before + 1);
        round_is_over(round, rounds);
    }
}

// From a handler to a coroutine that makes calls, and back into the handler, which returns.
static void coroutine(void) {
    for (;;) {
        visits++;
        calls();
        CHECK_EQ(swapcontext(&side, &in_handler), 0);
    }
}
static void swap(int sig) {
    (void)sig;
    calls();
    CHECK_EQ(swapcontext(&in_handler, &side), 0);
    calls();
}
static void swap_rounds(long rounds) {
    static char stack[65536];
    CHECK_EQ(getcontext(&side), 0);
    side.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
    makecontext(&side, coroutine, 0);
    for (long round = 0; round < rounds; round++) {
        CHECK_EQ(raw3(SYS_tgkill, self, self, round % 2 ? SIGUSR1 : SIGUSR2), 0);
        CHECK_EQ(visits, round + 1);
        round_is_over(round, rounds);
    }
}

// New coroutines, each of which makes some calls and ends by uc_link.
static void short_one(void) {
    visits++;
    calls();
}
static void makecontext_rounds(long rounds) {
    static char stack[16384];
    visits = 0;
    for (long round = 0; round < rounds; round++) {
        CHECK_EQ(getcontext(&side), 0);
        side.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
        side.uc_link = &home;
        makecontext(&side, short_one, 0);
        CHECK_EQ(swapcontext(&home, &side), 0);
        CHECK_EQ(visits, round + 1);
        round_is_over(round, rounds);
    }
}

// Four coroutines that never give way: the timer's handler takes the processor from them.
enum { WORKERS = 4 };
static ucontext_t workers[WORKERS];
static volatile int current;
static long all, turns[WORKERS];
static timer_t timer;
static void preempt(int sig) {
    (void)sig;
    int saved = errno, from = current, to = (from + 1) % WORKERS;
    if (++switches >= all) return;
    struct itimerspec once = {{0, 0}, {0, 5000 + switches * 37 % 25000}};
    CHECK_EQ(timer_settime(timer, 0, &once, NULL), 0);
    current = to;
    CHECK_EQ(swapcontext(&workers[from], &workers[to]), 0);
    errno = saved;
}
static void work(int me) {
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &usr1, NULL), 0);
    long pid = getpid(), parent = getppid();
    while (switches < all) {
        sigset_t set;
        stack_t stack;
        long value = me * 0x1111;
        CHECK_EQ(raw0(SYS_getpid), pid);
        CHECK_EQ(rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), parent);
        CHECK_EQ(rawreg(600, value, 0, 0, 0, 0, 0), -ENOSYS);
        CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &set), 0);
        CHECK_EQ(sigismember(&set, SIGUSR1), 0);
        CHECK_EQ(sigaltstack(NULL, &stack), 0);
        CHECK_EQ(value, me * 0x1111);
        turns[me]++;
    }
    // Whoever comes here first is the only one left to run.
    CHECK_EQ(setcontext(&home), 0);
}
static void preempted_rounds(long rounds) {
    static char stacks[WORKERS][65536];
    enum { PARTS = 100 };
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct sigaction action = {.sa_handler = preempt, .sa_flags = SA_RESTART};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    switches = all = 0;
    for (int part = 0; part < PARTS; part++) {
        all += rounds / PARTS;
        // swapcontext sets the mask first and the registers then: every context has it blocked.
        CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
        for (int i = 0; i < WORKERS; i++) {
            CHECK_EQ(getcontext(&workers[i]), 0);
            workers[i].uc_stack = (stack_t){.ss_sp = stacks[i], .ss_size = sizeof stacks[i]};
            workers[i].uc_link = NULL;
            makecontext(&workers[i], (void (*)(void))work, 1, i);
        }
        current = 0;
        struct itimerspec once = {{0, 0}, {0, 20000}};
        CHECK_EQ(timer_settime(timer, 0, &once, NULL), 0);
        CHECK_EQ(swapcontext(&home, &workers[0]), 0);
        round_is_over(part, PARTS);
    }
    for (int i = 0; i < WORKERS; i++) CHECK(turns[i] > 0);
    CHECK_EQ(timer_delete(timer), 0);
}

int main(void) {
    static char altstack[65536];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    self = getpid();
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    struct sigaction action = {.sa_handler = away};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    action.sa_flags = SA_ONSTACK;
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    long rounds = all_rounds();
    set_context_rounds(rounds);
    action = (struct sigaction){.sa_handler = swap};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    action.sa_flags = SA_ONSTACK;
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    swap_rounds(rounds);
    makecontext_rounds(rounds);
    preempted_rounds(rounds);
    PASS();
}
