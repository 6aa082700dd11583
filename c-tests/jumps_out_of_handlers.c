// modes: native trap rewrite fallback stat
// siglongjmp out of handlers 100,000 times, over pending and blocked calls, on the
// ordinary and on the alternate stack, leaves nothing behind that could run out.
#include "threads.h"
#include <setjmp.h>
#include <sys/time.h>

static __thread sigjmp_buf back;
static int fds[2];
static void jump(int sig) {
    raw0(SYS_getpid);
    siglongjmp(back, sig);
}

static void self(int sig) { raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), sig); }

static void *body(void *unused) {
    (void)unused;
    static __thread char altstack[32768];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    static __thread volatile int i, jumps;
    for (i = 0; i < 25000; i++) {
        int sig = i & 1 ? SIGUSR1 : SIGUSR2;
        int got = sigsetjmp(back, 1);
        if (!got) {
            self(sig);
            CHECK(!"the signal came");
        }
        CHECK_EQ(got, sig);
        jumps++;
    }
    CHECK_EQ(jumps, 25000);
    return NULL;
}

static void by_timer(int sig) {
    (void)sig;
    siglongjmp(back, 1);
}

int main(void) {
    struct sigaction action = {.sa_handler = jump};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    action.sa_flags = SA_ONSTACK;
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    long resident = status_number("VmRSS");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) threads[i] = start_thread(body, NULL, 0);
    for (int i = 0; i < 4; i++) join_thread(threads[i]);
    CHECK(status_number("VmRSS") < resident + 4096);

    // Out of blocked calls, interrupted at any instruction by a timer.
    CHECK_EQ(pipe(fds), 0);
    action.sa_handler = by_timer;
    action.sa_flags = SA_RESTART;
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    static volatile int jumps;
    char byte;
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &alarm_only, NULL), 0);
    struct itimerval every = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    while (jumps < 5000) {
        if (sigsetjmp(back, 1)) {
            jumps++;
            continue;
        }
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &alarm_only, NULL), 0);
        if (jumps & 1) raw3(SYS_read, fds[0], &byte, 1);
        for (;;) rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), raw0(SYS_getpid), syscall(SYS_getuid);
    }
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK_EQ(raw0(SYS_getpid), getpid());
    PASS();
}
