// One slice of the benchmark of signals: COUNT deliveries of each kind, by CLOCK_MONOTONIC.
//
//   signals COUNT
//
// Prints a line for each kind: its name, nanoseconds per delivery, the number of handler runs. Each kind is the
// whole of it: what raises the signal, the handler, and the return.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 200 };

static volatile long handled;
static sigjmp_buf out;

static void count(int signal)
{
    (void)signal;
    handled++;
}

static void jump(int signal)
{
    (void)signal;
    handled++;
    siglongjmp(out, 1);
}

static void behind(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    handled++;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static pid_t pid, tid;

static void send(long times)
{
    while (times-- > 0) syscall(SYS_tgkill, pid, tid, SIGUSR1);
}

static void breakpoint(long times)
{
    while (times-- > 0) __asm__ volatile("int3" ::: "memory");
}

static void undefined(long times)
{
    while (times-- > 0) __asm__ volatile("ud2" ::: "memory");
}

static void leave(long times)
{
    while (times-- > 0)
        if (!sigsetjmp(out, 1)) syscall(SYS_tgkill, pid, tid, SIGUSR2);
}

static void measure(const char *name, void (*repeat)(long), long times)
{
    repeat(WARM_UP);
    handled = 0;
    long start = now();
    repeat(times);
    printf("%s %.3f %ld\n", name, (double)(now() - start) / times, handled);
}

static void set(int signal, void (*handler)(int), void (*full)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_flags = flags};
    if (full) action.sa_sigaction = full;
    else action.sa_handler = handler;
    if (sigaction(signal, &action, NULL) != 0) exit(1);
}

int main(int argc, char **argv)
{
    long times = argc > 1 ? atol(argv[1]) : 100000;
    if (times < 1) times = 1;
    pid = getpid(), tid = (pid_t)syscall(SYS_gettid);
    set(SIGUSR1, count, NULL, 0);
    set(SIGUSR2, jump, NULL, 0);
    set(SIGTRAP, count, NULL, 0);
    set(SIGILL, NULL, behind, SA_SIGINFO);
    measure("sent", send, times);
    measure("int3", breakpoint, times);
    measure("ud2", undefined, times);
    measure("jump-out", leave, times);
    return 0;
}
