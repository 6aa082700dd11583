// rt_sigqueueinfo and rt_tgsigqueueinfo: who may claim what, and which errors there are, for SIGSYS and
// SIGILL as for any other signal.
#include "threads.h"

static const int signals[] = {SIGSYS, SIGILL, SIGUSR1, 0, 65, -1};
static const int codes[] = {SI_USER, SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_TKILL, -8, -60, -1000, 0x80, 1, 2, 3, 11, 12};
enum { SIGNALS = sizeof signals / sizeof *signals, CODES = sizeof codes / sizeof *codes };

static pid_t other;

static void *live(void *argument) {
    other = gettid();
    pthread_barrier_wait(argument);
    pthread_barrier_wait(argument);
    return NULL;
}

static void forget(void) {
    sigset_t all;
    struct timespec none = {0, 0};
    sigfillset(&all);
    while (sigtimedwait(&all, NULL, &none) > 0) {}
}

static void try_all(const char *who, int far) {
    siginfo_t info;
    for (int s = 0; s < SIGNALS; s++)
        for (int c = 0; c < CODES; c++) {
            memset(&info, 0, sizeof info);
            info.si_code = codes[c];
            if (far) ((char *)&info)[100] = 1;
            long results[] = {
                raw3(SYS_rt_sigqueueinfo, getpid(), signals[s], &info),
                raw4(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signals[s], &info),
                raw4(SYS_rt_tgsigqueueinfo, getpid(), other, signals[s], &info),
                raw4(SYS_rt_tgsigqueueinfo, getppid(), gettid(), signals[s], &info),
                raw4(SYS_rt_tgsigqueueinfo, 0, gettid(), signals[s], &info),
                raw4(SYS_rt_tgsigqueueinfo, getpid(), -1, signals[s], &info),
                raw3(SYS_rt_sigqueueinfo, getpid(), signals[s], 8),
                raw4(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signals[s], 8),
                raw3(SYS_tgkill, 0, gettid(), signals[s]),
                raw2(SYS_tkill, 0, signals[s]),
            };
            printf("%s, %s, signal %d, code %d:", who, far ? "more" : "plain", signals[s], codes[c]);
            for (size_t i = 0; i < sizeof results / sizeof *results; i++) printf(" %ld", results[i]);
            puts("");
            fflush(stdout);
            forget();
        }
}

static void *try_as_thread(void *argument) {
    (void)argument;
    try_all("thread", 0);
    try_all("thread", 1);
    return NULL;
}

int main(void) {
    sigset_t all;
    sigfillset(&all);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &all, NULL), 0);
    pthread_barrier_t barrier;
    CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
    pthread_t living = start_thread(live, &barrier, 0);
    pthread_barrier_wait(&barrier);
    try_all("main thread", 0);
    try_all("main thread", 1);
    join_thread(start_thread(try_as_thread, NULL, 0));
    pthread_barrier_wait(&barrier);
    join_thread(living);
    PASS();
}
