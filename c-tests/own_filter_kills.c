// What a filter of the application's own kills dies as natively: the process with all its threads, or
// the thread alone, the last one with the process; signal and core flag are the same.
#include "own_filter.h"
#include <pthread.h>
#include <sys/resource.h>

static void show(const char *what, int status) {
    if (WIFSIGNALED(status)) printf("%s: signal %d, core %d\n", what, WTERMSIG(status), WCOREDUMP(status) != 0);
    else printf("%s: status %d\n", what, WEXITSTATUS(status));
}

static void *forbidden(void *arg) {
    raw0(SYS_getppid);
    raw1(SYS_setfsuid, 1);
    return arg;
}

static void *lives(void *arg) {
    CHECK_EQ(raw0(SYS_getpid), getpid());
    return arg;
}

// The thread's end wakes who waits for it.
static void waits_for_thread(void) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, forbidden, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(void) {
    static const unsigned verdicts[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, 0x12340000 /* unknown */};
    int status;
    for (size_t i = 0; i < LENGTH(verdicts); i++) {
        unsigned verdict = verdicts[i];
        IN_CHILD(status, { decide(SYS_setfsuid, verdict); forbidden(NULL); });
        show("alone", status);
        IN_CHILD(status, {
            signal(SIGSYS, SIG_IGN);
            decide(SYS_setfsuid, verdict);
            forbidden(NULL);
        });
        show("ignored", status);
        IN_CHILD(status, {
            decide(SYS_setfsuid, verdict);
            waits_for_thread();
            for (int n = 0; n < 3; n++) waits_for_thread();
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, lives, NULL), 0);
            CHECK_EQ(pthread_join(thread, NULL), 0);
            pid_t child = fork();
            if (child == 0) _exit(4);
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK_EQ(status, 4 << 8);
            _exit(3);
        });
        show("a thread", status);
        IN_CHILD(status, {
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, lives, NULL), 0);
            CHECK_EQ(pthread_join(thread, NULL), 0);
            decide(SYS_setfsuid, verdict);
            forbidden(NULL);
        });
        show("the last thread", status);
    }
    PASS();
}
