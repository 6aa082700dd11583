// Shows that signals which come at any time during execs do what they do natively: those ignored or
// blocked nothing, SIGSYS, SIGILL and SIGTRAP too; stops and continues only delay; SIGTERM ends it.
// forms: pie static
// timeout: 200
#include "image.h"

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    char turn[16];
    CHECK_EQ(argc, 2);
    if (atoi(argv[1]) == 0) return 0;
    snprintf(turn, sizeof turn, "%d", atoi(argv[1]) - 1);
    argv[1] = turn;
    execve(argv[0], argv, envp);
    return 1;
}
#else
static const int signals[] = {SIGUSR1, SIGSYS, SIGILL, SIGTRAP, SIGSEGV, 38, SIGCONT, SIGCHLD};

// Sends signals while the image executes itself `turns` times.
static int flood(const char *form, int ignore, int stop, int turns) {
    int status;
    char count[16], *argv[] = {(char *)image(form), count, NULL}, *envp[] = {NULL};
    snprintf(count, sizeof count, "%d", turns);
    int ready[2];
    CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        sigset_t blocked;
        sigemptyset(&blocked);
        for (int n = 0; n < 6; n++)
            if (ignore) signal(signals[n], SIG_IGN);
            else sigaddset(&blocked, signals[n]);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &blocked, NULL), 0);
        CHECK_EQ(write(ready[1], "", 1), 1);
        execve(argv[0], argv, envp);
        _exit(126);
    }
    char byte;
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]), close(ready[1]);
    for (unsigned n = 0;; n++) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) return status;
        CHECK_EQ(ended, 0);
        if (stop && n % 4 == 0) kill(child, SIGSTOP), kill(child, SIGCONT);
        else kill(child, signals[n % 8]);
        if (n % 16 == 0) usleep(300);
    }
}

int main(void) {
    DYNAMIC_AND_STATIC(form) {
        CHECK_EQ(flood(form, 1, 0, 60), 0);
        CHECK_EQ(flood(form, 0, 0, 60), 0);
        CHECK_EQ(flood(form, 1, 1, 60), 0);
        // One that ends it, at many moments.
        for (int moment = 0; moment < 40; moment++) {
            int status;
            char *argv[] = {(char *)image(form), "100000", NULL}, *envp[] = {NULL};
            pid_t child = fork();
            if (child == 0) {
                execve(argv[0], argv, envp);
                _exit(126);
            }
            usleep(moment * 150);
            CHECK_EQ(kill(child, SIGTERM), 0);
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK_EQ(status, SIGTERM);
        }
    }
    PASS();
}
#endif
