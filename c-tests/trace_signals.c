// The program whose signals the trace_*.sh tests show: one from each kind of sender to a handler, and what ends a
// process without one.
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static sigjmp_buf back;
static volatile int zero;
// Nothing is mapped there.
static volatile int *volatile nowhere = (int *)16;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info, (void)context;
}

static void leave(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info, (void)context;
    siglongjmp(back, 1);
}

static void sent(void) {
    kill(getpid(), SIGUSR1);
    raise(SIGUSR2);
    union sigval value = {.sival_int = 77};
    sigqueue(getpid(), SIGRTMIN + 3, value);
    value.sival_ptr = NULL;
    sigqueue(getpid(), SIGRTMIN, value);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = -60, .si_errno = EIO};
    info.si_ptr = (void *)0x1234;
    syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info);
    // Blocked ones come together, the lowest first.
    sigset_t set, before;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &before);
    raise(SIGUSR2);
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, &before, NULL);
    raise(SIGSYS);
    // Of those that are ignored nothing is told.
    signal(SIGUSR2, SIG_IGN);
    raise(SIGUSR2);
}

static void by_the_kernel(void) {
    // They come while we wait, however slow we are.
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec soon = {.it_value.tv_nsec = 1000000};
    timer_t timer;
    for (event.sigev_value.sival_int = 0; event.sigev_value.sival_int < 2; event.sigev_value.sival_int++) {
        timer_create(CLOCK_MONOTONIC, &event, &timer);
        timer_settime(timer, 0, &soon, NULL);
        sigsuspend(&none);
        timer_delete(timer);
    }
    struct itimerval alarm = {.it_value.tv_usec = 1000};
    setitimer(ITIMER_REAL, &alarm, NULL);
    sigsuspend(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    CHECK(write(ends[1], "", 1) == -1);
    CHECK(pipe(ends) == 0);
    fcntl(ends[0], F_SETOWN, getpid());
    fcntl(ends[0], F_SETFL, O_ASYNC);
    CHECK(write(ends[1], "", 1) == 1);
    fcntl(ends[0], F_SETSIG, SIGIO);
    CHECK(write(ends[1], "", 1) == 1);
}

static void faults(void) {
    struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
    for (int i = 0; i < 4; i++) sigaction((int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL}[i], &action, NULL);
    if (!sigsetjmp(back, 1)) *nowhere = 1;
    if (!sigsetjmp(back, 1)) *(volatile int *)0xdead000000000000 = 1;
    if (!sigsetjmp(back, 1)) *(volatile char *)leave = 1;
    if (!sigsetjmp(back, 1)) {
        int one = 1;
        __asm__ volatile("cltd\n\tidivl %1" : "+a"(one) : "m"(zero) : "edx");
    }
    if (!sigsetjmp(back, 1)) __asm__ volatile("ud2");
    __asm__ volatile("int3");
    int file = memfd_create("empty", 0);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (!sigsetjmp(back, 1)) *page = 1;
}

static void children(void) {
    sigset_t set, none;
    sigfillset(&set);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &set, NULL);
    for (int killed = 0; killed < 2; killed++) {
        pid_t child = fork();
        if (!child && killed) {
            sigprocmask(SIG_SETMASK, &none, NULL);
            raise(SIGUSR1);
            raise(SIGKILL);
        }
        if (!child) _exit(3);
        sigsuspend(&none);
        CHECK(waitpid(child, NULL, WNOHANG) == child);
    }
}

// Ends of children without a handler, which are told where our own handler sees them.
static void deaths(void) {
    // Its place among the parent's calls would be chance.
    signal(SIGCHLD, SIG_DFL);
    for (int way = 0; way < 3; way++) {
        pid_t child = fork();
        if (!child) {
            signal(SIGSEGV, SIG_DFL);
            if (way == 0) *nowhere = 1;
            if (way == 1) raise(SIGSEGV);
            signal(SIGSYS, SIG_DFL);
            if (way == 2) raise(SIGSYS);
        }
        // The status says of what it has died.
        int status;
        waitpid(child, &status, 0);
    }
}

static void *sender(void *to) {
    for (int i = 0; i < 200; i++) pthread_kill(*(pthread_t *)to, SIGUSR1);
    return NULL;
}

static void storm(void) {
    pthread_t self = pthread_self(), thread;
    pthread_create(&thread, NULL, sender, &self);
    for (int i = 0; i < 2000; i++) syscall(SYS_getppid);
    pthread_join(thread, NULL);
}

static volatile int counted;
static void count(int signal) {
    (void)signal;
    counted++;
}

int main(int argc, char **argv) {
    if (argc < 2) PASS();
    const char *how = argv[1];
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    for (int signal = 1; signal <= 64; signal++) sigaction(signal, &action, NULL);
    if (!strcmp(how, "sent")) sent();
    if (!strcmp(how, "kernel")) by_the_kernel();
    if (!strcmp(how, "faults")) faults();
    if (!strcmp(how, "children")) children();
    if (!strcmp(how, "deaths")) deaths();
    if (!strcmp(how, "storm")) {
        signal(SIGUSR1, count);
        storm();
        // So many lines there must be.
        printf("%d\n", counted);
    }
    return 0;
}
