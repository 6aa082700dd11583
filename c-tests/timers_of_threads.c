// Timers with SIGEV_THREAD_ID, SIGEV_SIGNAL, SIGEV_THREAD and SIGEV_NONE, by several clocks: the thread that was named gets
// the signal with the timer's value, among its calls; a timer that is deleted sends none; overruns are counted.
// cflags: -lrt
#include "threads.h"
#include <time.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static _Thread_local volatile int mine;
static volatile int wrong, over, by_thread, ready;
static volatile long overruns;
static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    (void)context;
    // Of SIGSYS and SIGILL the process's word is taken (README, Limits).
    if (info->si_code != SI_TIMER || info->si_value.sival_int != (int)gettid()) wrong++;
    if (info->si_signo != sig || info->si_overrun < 0) wrong++;
    mine++;
    CHECK_EQ(raw0(600), -ENOSYS);
    errno = saved;
}

static void notified(union sigval value) {
    if (value.sival_int != 77) wrong++;
    by_thread++;
}

static timer_t timer_of(clockid_t clock, struct sigevent *event, long ns) {
    timer_t timer;
    struct itimerspec every = {{0, ns}, {0, ns}};
    CHECK_EQ(timer_create(clock, event, &timer), 0);
    CHECK_EQ(timer_settime(timer, 0, &every, NULL), 0);
    return timer;
}

static void *times(void *argument) {
    const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
        for (int sig = 0; sig < 2; sig++) {
            struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig ? SIGUSR1 : SIGRTMIN + 1, .sigev_value.sival_int = gettid()};
            event.sigev_notify_thread_id = gettid();
            timer_t timer = timer_of(clocks[i], &event, 200000);
            mine = 0;
            while (mine < 20) {
                CHECK_EQ(raw0(SYS_getppid), getppid());
                CHECK_EQ(syscall(SYS_gettid), gettid());
            }
            CHECK(timer_getoverrun(timer) >= 0);
            CHECK_EQ(timer_delete(timer), 0);
            int before = mine;
            for (int k = 0; k < 200; k++) CHECK_EQ(raw0(SYS_getppid), getppid());
            CHECK(mine <= before + 1);
        }
    return argument;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGRTMIN + 1, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    pthread_t threads[2] = {start_thread(times, NULL, 0), start_thread(times, NULL, 0)};
    times(NULL);
    for (int i = 0; i < 2; i++) join_thread(threads[i]);
    struct sigevent by = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notified, .sigev_value.sival_int = 77};
    timer_t timer = timer_of(CLOCK_MONOTONIC, &by, 1000000);
    while (by_thread < 10) CHECK_EQ(raw0(SYS_getppid), getppid());
    CHECK_EQ(timer_delete(timer), 0);
    // One that waits, blocked, has its overruns counted; it can be taken out.
    sigset_t only;
    sigemptyset(&only), sigaddset(&only, SIGRTMIN + 2);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
    struct sigevent waits = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_int = 5};
    timer = timer_of(CLOCK_MONOTONIC, &waits, 100000);
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    siginfo_t info;
    CHECK_EQ(sigwaitinfo(&only, &info), SIGRTMIN + 2);
    CHECK_EQ(info.si_code, SI_TIMER);
    CHECK(info.si_overrun > 10);
    CHECK_EQ(timer_delete(timer), 0);
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    timer = timer_of(CLOCK_MONOTONIC, &none, 1000000);
    struct itimerspec left;
    CHECK_EQ(timer_gettime(timer, &left), 0);
    CHECK_EQ(timer_delete(timer), 0);
    CHECK_EQ(wrong, 0);
    PASS();
}
