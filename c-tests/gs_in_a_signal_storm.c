// modes: native trap rewrite fallback stat
// Threads that use GS all the time find it right at every moment, in a storm of signals whose
// handlers use it too and return or jump away, while other threads have none.
#include "gs.h"
#include "threads.h"
#include <setjmp.h>
#include <sys/time.h>

enum { THREADS = 4 };
static __thread struct gs_block *mine;
static __thread sigjmp_buf back;
static __thread volatile int jumpable;
static __thread volatile unsigned handled;
static _Atomic int stop;

static void check(void) {
    if (mine) CHECK(gs_is(mine));
    else CHECK_EQ(gs_base(), 0);
}

static void handler(int sig) {
    check();
    raw0(SYS_getpid);
    check();
    handled++;
    if (sig == SIGUSR2 && jumpable) {
        jumpable = 0;
        siglongjmp(back, 1);
    }
}

static void *body(void *number) {
    struct gs_block block;
    if ((long)number & 1) {
        gs_set(&block, (unsigned long)number);
        mine = &block;
    }
    sigset_t none;
    sigemptyset(&none);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &none, NULL), 0);
    while (!atomic_load(&stop)) {
        if (!sigsetjmp(back, 1)) {
            jumpable = 1;
            for (int i = 0; i < 20; i++) {
                check();
                raw0(SYS_gettid);
                check();
                rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
                syscall(600);
                check();
                usleep(1);
            }
            jumpable = 0;
        }
        check();
    }
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &(sigset_t){{~0ul}}, NULL), 0);
    CHECK(handled > 0);
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler};
    int signals[] = {SIGUSR1, SIGUSR2, SIGALRM};
    sigset_t all;
    sigfillset(&all);
    for (int i = 0; i < 3; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    action.sa_flags = SA_RESTART;
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) threads[i] = start_thread(body, (void *)i, 0);
    struct itimerval every = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    for (int i = 0; i < 3000; i++) {
        for (int n = 0; n < THREADS; n++) CHECK_EQ(pthread_kill(threads[n], signals[(i + n) % 2]), 0);
        if (i % 8 == 0) usleep(100);
    }
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    PASS();
}
