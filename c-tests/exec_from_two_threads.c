// static: yes
// Several threads execute at once: one of them wins, whichever, and its image runs alone; also while
// others are in the middle of vfork and posix_spawn.
#include "exec.h"
#include "threads.h"
#include <stdatomic.h>

static atomic_int go;

static void *executes(void *number) {
    char *arguments[] = {"program", image_word(), (char *)number, NULL};
    while (!go) sched_yield();
    execv(self, arguments);
    _exit(errno);
}

static void *spawns(void *number) {
    char *arguments[] = {"program", image_word(), (char *)number, NULL};
    while (!go) sched_yield();
    for (;;) {
        pid_t child;
        CHECK_EQ(posix_spawn(&child, self, NULL, NULL, arguments, environ), 0);
        waitpid(child, NULL, 0);
    }
    return NULL;
}

static void child(int turn) {
    start_thread(executes, "1", 0);
    start_thread(executes, "2", 0);
    if (turn % 2) start_thread(spawns, "3", 0);
    if (turn % 4 >= 2) start_thread(spawns, "3", 0);
    go = 1;
    executes("4");
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        CHECK_EQ(status_number("Threads"), 1);
        CHECK_EQ(syscall(SYS_gettid), getpid());
        return 10 + atoi(argv[2]);
    }
    know_self(argv);
    for (int turn = 0; turn < 60; turn++) {
        int status;
        IN_CHILD(status, child(turn));
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 11 || WEXITSTATUS(status) == 12 || WEXITSTATUS(status) == 14);
    }
    PASS();
}
