// Shows which timers go on over exec: alarm, and setitimer's three; those of timer_create and their
// signals are gone.
// forms: pie static
#include "image.h"
#include <sys/time.h>
#include <time.h>

#ifdef IMAGE
static volatile int count;
static void handler(int signal) {
    (void)signal;
    count++;
}

int main(int argc, char **argv) {
    CHECK_EQ(argc, 2);
    struct itimerval found;
    struct itimerspec timer;
    CHECK_EQ(raw2(SYS_timer_gettime, atoi(argv[1]), &timer), -EINVAL);
    CHECK_EQ(raw2(SYS_timer_gettime, 0, &timer), -EINVAL);
    CHECK_EQ(getitimer(ITIMER_VIRTUAL, &found), 0);
    CHECK(found.it_interval.tv_sec == 50 && found.it_value.tv_sec >= 30);
    CHECK_EQ(getitimer(ITIMER_PROF, &found), 0);
    CHECK(found.it_interval.tv_sec == 60 && found.it_value.tv_sec >= 30);
    CHECK_EQ(getitimer(ITIMER_REAL, &found), 0);
    CHECK(found.it_interval.tv_usec == 20000);
    struct sigaction action = {.sa_handler = handler};
    sigset_t empty;
    sigemptyset(&empty);
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    for (int before = count; count < before + 3;) sigsuspend(&empty);
    CHECK_EQ(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL), 0);
    if (argv[0][0] == 'a') return 0;
    // And by alarm.
    alarm(100);
    argv[0] = "again";
    int status;
    IN_CHILD(status, _exit(alarm(0) == 0 ? 0 : 1));
    CHECK_EQ(status, 0);
    CHECK(alarm(0) >= 99);
    return 0;
}
#else
int main(void) {
    DYNAMIC_AND_STATIC(form) {
        int status;
        char text[20], *argv[] = {"image", text, NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            // A tick between the exec and the handler would end the image: it waits, blocked.
            sigset_t alarms;
            sigemptyset(&alarms), sigaddset(&alarms, SIGALRM);
            CHECK_EQ(sigprocmask(SIG_BLOCK, &alarms, NULL), 0);
            int id;
            struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
            CHECK_EQ(raw3(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), 0);
            CHECK_EQ(raw4(SYS_timer_settime, id, 0, &((struct itimerspec){{0, 0}, {0, 100000000}}), NULL), 0);
            snprintf(text, sizeof text, "%d", id);
            CHECK_EQ(setitimer(ITIMER_VIRTUAL, &((struct itimerval){{50, 0}, {40, 0}}), NULL), 0);
            CHECK_EQ(setitimer(ITIMER_PROF, &((struct itimerval){{60, 0}, {40, 0}}), NULL), 0);
            CHECK_EQ(setitimer(ITIMER_REAL, &((struct itimerval){{0, 20000}, {0, 20000}}), NULL), 0);
            execve(image(form), argv, envp);
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
