// fork under 10 kHz timers, from four threads at once: every child makes its calls,
// sees its own pid, takes signals of its own and ends with the right status.
#include "threads.h"
#include <sys/time.h>

static volatile long signals;
static void handler(int sig) {
    (void)sig;
    signals++;
    raw0(SYS_getppid);
}

static void *forker(void *argument) {
    long number = (long)argument;
    for (int i = 0; i < 60; i++) {
        pid_t parent = raw0(SYS_getpid);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            for (int j = 0; j < 50; j++) {
                CHECK(raw0(SYS_getpid) != parent);
                CHECK_EQ(syscall(SYS_getppid), parent);
                CHECK_EQ(raw0(600), -ENOSYS);
            }
            CHECK_EQ(raw0(SYS_gettid), raw0(SYS_getpid));
            struct itimerval once = {{0, 0}, {0, 50}};
            long before = signals;
            CHECK_EQ(setitimer(ITIMER_REAL, &once, NULL), 0);
            while (signals == before) rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
            _exit(number + 10);
        }
        int status;
        pid_t ended;
        do
            ended = raw4(SYS_wait4, child, &status, 0, NULL);
        while (ended == -EINTR);
        CHECK_EQ(ended, child);
        CHECK_EQ(status, (number + 10) << 8);
        CHECK_EQ(raw0(SYS_getpid), parent);
    }
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval every = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) threads[i] = start_thread(forker, (void *)i, 0);
    for (int i = 0; i < 4; i++) join_thread(threads[i]);
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    PASS();
}
