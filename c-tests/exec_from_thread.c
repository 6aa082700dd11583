// modes: native trap rewrite command
// static: yes
// A thread that is not the first executes a program while others run and call: its tid becomes the
// pid, all other threads are gone, and the parent sees one child that ends once. 200 times.
// also: sud vetted
#include "exec.h"
#include "threads.h"
#include <stdatomic.h>

static char *arguments[] = {"program", NULL, NULL, NULL};
static atomic_int ready;

static int image(char **argv) {
    CHECK_EQ(getpid(), atoi(argv[2]));
    CHECK_EQ(syscall(SYS_gettid), getpid());
    CHECK_EQ(status_number("Threads"), 1);
    return 5;
}

static void *calls(void *unused) {
    (void)unused;
    ready++;
    for (;;) {
        raw0(SYS_getppid);
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd >= 0) close(fd);
    }
    return NULL;
}

static void *sleeps(void *unused) {
    ready++;
    for (;;) pause();
    return unused;
}

static void *executes(void *unused) {
    while (ready < 4) sched_yield();
    CHECK(syscall(SYS_gettid) != getpid());
    execv(self, arguments);
    _exit(errno);
    return unused;
}

static void child(int turn) {
    char pid[20];
    sprintf(pid, "%d", getpid());
    arguments[2] = pid;
    start_thread(calls, NULL, 0);
    start_thread(sleeps, NULL, 0);
    start_thread(turn % 2 ? calls : sleeps, NULL, 0);
    start_thread(executes, NULL, 0);
    if (turn % 3 == 0) raw1(SYS_exit, 0); // the first thread may be gone already
    turn % 3 == 1 ? calls(NULL) : sleeps(NULL);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return image(argv);
    know_self(argv);
    arguments[1] = image_word();
    for (int turn = 0; turn < 200; turn++) {
        int status;
        ready = turn % 3 == 0;
        IN_CHILD(status, child(turn));
        CHECK_EQ(status, 5 << 8);
    }
    CHECK_ERR(wait(NULL), ECHILD);
    PASS();
}
