// static: yes
// Several threads execute at once: one of them wins, whichever, and its image runs alone; also while
// others are in the middle of vfork and posix_spawn; no image has a descriptor of another's exec.
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
        for (int fd = 3; fd < 100; fd++) {
            if (fcntl(fd, F_GETFD) < 0) continue;
            char link[PATH_MAX] = "", path[40];
            sprintf(path, "/proc/self/fd/%d", fd);
            CHECK(readlink(path, link, sizeof link - 1) > 0);
            if (!strstr(link, "exec_from_two_threads") && !strstr(link, "ld-linux")) continue;
            SAY("a descriptor of an exec\n"); // which the native run does not say
            fprintf(stderr, "image %s: %d is %s\n", argv[2], fd, link);
        }
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
