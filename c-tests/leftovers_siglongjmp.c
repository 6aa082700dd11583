// modes: native trap rewrite
// timeout: 300
// siglongjmp 100,000 times each out of handlers of faults and of signals that the thread sends
// itself, and 100,000 times out of those that come at any moment: memory stays, calls still work.
#include "leftovers.h"
#include "threads.h"
#include <poll.h>
#include <setjmp.h>
#include <time.h>

static sigjmp_buf back;
static volatile long round_number, jumps, what;
static char *unreadable;
static int fds[2], orders[2];
static pid_t self;
static sigset_t usr1, none;

static void jump(int sig) {
    jumps++;
    raw0(SYS_getpid);
    siglongjmp(back, sig);
}

static void fault(long kind) {
    switch (kind) {
    case 0: *(volatile char *)unreadable = 1; break;
    case 1: __asm__ volatile("ud2"); break;
    case 2: __asm__ volatile("int3"); break;
    case 3: __asm__ volatile("xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tmov $1, %%eax\n\tdiv %%ecx" ::: "rax", "rcx", "rdx"); break;
    }
}

static void send_to_self(long kind) {
    switch (kind) {
    case 0: raw3(SYS_tgkill, self, self, SIGUSR1); break;
    case 1: rawreg(SYS_tgkill, self, self, SIGUSR1, 0, 0, 0); break;
    case 2: syscall(SYS_tgkill, self, self, SIGUSR2); break; // SA_ONSTACK
    case 3: // pending, and let in by a call of the core's
        CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
        raw3(SYS_tgkill, self, self, SIGUSR1);
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &usr1, NULL), 0);
        break;
    case 4: // let in by a wait only
        CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
        raw3(SYS_tgkill, self, self, SIGUSR1);
        sigsuspend(&none);
        break;
    }
    CHECK(!"the signal came");
}

// What the thread does when a signal comes from elsewhere.
static void linger(long kind) {
    char byte;
    switch (kind) {
    case 0: for (volatile long i = 0;; i++); break;
    case 1: for (;;) raw0(SYS_getpid); break;
    case 2: for (;;) rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), syscall(600); break;
    case 3: // the core's calls, answered and with an exit side
        for (;;) {
            stack_t stack;
            sigset_t old;
            sigaltstack(NULL, &stack);
            sigprocmask(SIG_SETMASK, NULL, &old);
        }
        break;
    case 4: raw3(SYS_read, fds[0], &byte, 1); break;
    case 5: syscall(SYS_read, fds[0], &byte, 1); break;
    case 6: for (;;) poll(NULL, 0, -1); break;
    case 7: for (;;) sigsuspend(&none); break;
    }
    CHECK(!"the signal came");
}

enum { LINGERINGS = 8 };

// Answers each byte with a signal.
static void *sender(void *unused) {
    (void)unused;
    sigset_t all;
    sigfillset(&all);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
    char byte;
    while (read(orders[0], &byte, 1) == 1) syscall(SYS_tgkill, self, self, SIGUSR1);
    return NULL;
}

static void rounds_of(long rounds, void (*act)(long), int kinds) {
    long before = jumps;
    for (round_number = 0; round_number < rounds; round_number++) {
        if (!sigsetjmp(back, 1)) act(round_number % kinds);
        round_is_over(round_number, rounds);
    }
    CHECK_EQ(jumps - before, rounds);
}

static timer_t timer;
static void under_timer(long kind) {
    // Once, so that it is not lost while it is blocked: 20 us, or more.
    struct itimerspec once = {{0, 0}, {0, 5000 + round_number * 37 % 25000}};
    CHECK_EQ(timer_settime(timer, 0, &once, NULL), 0);
    linger(kind);
}
static void under_sender(long kind) {
    CHECK_EQ(write(orders[1], "x", 1), 1);
    linger(LINGERINGS / 2 + kind);
}

int main(void) {
    static char altstack[65536];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigemptyset(&none);
    self = getpid();
    static const int caught[] = {SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGUSR1, SIGUSR2};
    for (unsigned i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction action = {.sa_handler = jump, .sa_flags = SA_RESTART | (caught[i] == SIGUSR2 ? SA_ONSTACK : 0)};
        CHECK_EQ(sigaction(caught[i], &action, NULL), 0);
    }
    unreadable = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(unreadable != MAP_FAILED);
    CHECK_EQ(pipe(fds) | pipe(orders), 0);
    long rounds = all_rounds();

    rounds_of(rounds, fault, 4);
    rounds_of(rounds, send_to_self, 5);

    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
    event._sigev_un._tid = self;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    rounds_of(rounds / 2, under_timer, LINGERINGS);

    pthread_t thread = start_thread(sender, NULL, 0);
    rounds_of(rounds / 2, under_sender, LINGERINGS / 2);
    CHECK_EQ(close(orders[1]), 0);
    join_thread(thread);
    PASS();
}
