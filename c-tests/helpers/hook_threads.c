// Beside threads of a hook: what ends a process ends it with its own status, signals come to the application, and a
// child has none of them. The argument says how it ends.
#include "../check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

static volatile sig_atomic_t caught;

static void count(int signal) {
    (void)signal;
    caught++;
}

static void *end_later(void *unused) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    syscall(SYS_exit, 4);
    return unused;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    signal(SIGUSR1, count);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(syscall(500), 0);
        CHECK_EQ(syscall(501), 0);
        CHECK_EQ(kill(getpid(), SIGUSR1), 0);
        CHECK_EQ(caught, i + 1);
    }
    CHECK(syscall(502) > 60);
    pid_t child = fork();
    if (child == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        _exit(syscall(502) == 0 ? 7 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 7 << 8);
    if (strcmp(how, "return") == 0) return 3;
    if (strcmp(how, "last") == 0) syscall(SYS_exit, 5);
    if (strcmp(how, "leader-first") == 0) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, end_later, NULL), 0);
        syscall(SYS_exit, 6);
    }
    if (strcmp(how, "exec") == 0) execl("/bin/sh", "sh", "-c", "exit 8", (char *)NULL);
    if (strcmp(how, "signal") == 0) kill(getpid(), SIGTERM);
    return 1;
}
