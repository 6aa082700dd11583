// Shows that fork and vfork within signal handlers work, also when the handler interrupted a call
// that blocks, on the alternative stack too; parent and child both return from the handler.
#include "code.h"
#include <poll.h>

static volatile int in_child, forked, use_vfork;

static void handler(int signal) {
    (void)signal;
    if (use_vfork) {
        pid_t child = vfork();
        if (child == 0) _exit(33);
        forked = child;
    } else {
        pid_t child = fork();
        if (child == 0) in_child = 1;
        else forked = child;
    }
}

int main(void) {
    static char alternative[65536];
    stack_t stack = {.ss_sp = alternative, .ss_size = sizeof alternative};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    for (int round = 0; round < 40; round++) {
        use_vfork = round % 2;
        struct sigaction action = {.sa_handler = handler, .sa_flags = (round & 4 ? SA_ONSTACK : 0)};
        CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
        forked = in_child = 0;
        int status;
        long parent = raw0(SYS_getpid);
        if (round & 2) {
            CHECK_EQ(raise(SIGALRM), 0);
        } else { // out of a call that blocks
            struct { long interval[2], value[2]; } timer = {{0, 0}, {0, 2000}};
            CHECK_EQ(raw3(SYS_setitimer, 0, &timer, 0), 0);
            int fds[2];
            CHECK_EQ(pipe(fds), 0);
            struct pollfd quiet = {.fd = fds[0], .events = POLLIN};
            // Not for ever: the signal may come just before the call.
            while (!forked && !in_child) CHECK(poll(&quiet, 1, 50) <= 0);
            CHECK_EQ(close(fds[0]) | close(fds[1]), 0);
        }
        if (in_child) {
            CHECK(raw0(SYS_getpid) != parent);
            CHECK_EQ(raw0(SYS_getppid), parent);
            _exit(33);
        }
        CHECK_EQ(waitpid(forked, &status, 0), forked);
        CHECK_EQ(status, 33 << 8);
    }
    PASS();
}
