// A SIGSYS or SIGILL that is sent while a call waits: the call restarts if the handler has
// SA_RESTART, and goes on if the signal is ignored.
#include "check.h"
#include <sys/wait.h>

static volatile sig_atomic_t count;
static void handler(int sig) {
    (void)sig;
    count++;
}

static void interrupt_read(int sig) {
    int fds[2];
    char byte;
    CHECK_EQ(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        usleep(50000);
        kill(getppid(), sig);
        usleep(50000);
        _exit(write(fds[1], "x", 1) != 1);
    }
    CHECK_EQ(read(fds[0], &byte, 1), 1);
    CHECK_EQ(waitpid(child, NULL, 0), child);
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    for (int i = 0; i < 2; i++) {
        struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
        count = 0;
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        interrupt_read(signals[i]);
        CHECK_EQ(count, 1);
        action.sa_handler = SIG_IGN;
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        interrupt_read(signals[i]);
        CHECK_EQ(count, 1);
    }
    PASS();
}
