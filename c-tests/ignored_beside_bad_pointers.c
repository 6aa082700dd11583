// modes: native rewrite
// A process that begins to ignore a fault signal while another thread makes calls with pointers that lead nowhere goes
// on, at whatever moment that is. ignored_under_tools.sh runs this where the pointers are looked at.
#include "check.h"
#include <pthread.h>

enum { TIMES = 400 };
static volatile int ready, stop;

static void *call(void *unused) {
    (void)unused;
    for (int i = 0; !stop; i++) {
        CHECK_EQ(raw1(SYS_chdir, 16), -EFAULT);
        if (i == 3) ready = 1;
    }
    CHECK_EQ(raw1(SYS_chdir, 16), -EFAULT);
    return NULL;
}

static void once(int i) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, call, NULL), 0);
    while (!ready) raw0(SYS_sched_yield);
    for (volatile int n = 0; n < i % 50 * 40; n++) {}
    CHECK(signal(i % 2 ? SIGSEGV : SIGBUS, SIG_IGN) == SIG_DFL);
    CHECK(signal(i % 2 ? SIGBUS : SIGSEGV, SIG_IGN) == SIG_DFL);
    raw0(SYS_sched_yield);
    stop = 1;
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(void) {
    for (int i = 0; i < TIMES; i++) {
        int status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            once(i);
            _exit(0);
        }
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK_EQ(status, 0);
    }
    PASS();
}
