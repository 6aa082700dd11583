// user: root
// static: yes
// EAGAIN, once: a process that changed its user beyond RLIMIT_NPROC may not execute, until it has
// fallen below the limit again.
#include "exec.h"
#include <sys/prctl.h>
#include <sys/resource.h>

static void beyond_the_limit(void) {
    struct rlimit limit = {1, 1};
    CHECK_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
    pid_t others[2];
    int ready[2];
    CHECK_EQ(pipe(ready), 0);
    for (int i = 0; i < 2; i++) {
        others[i] = fork();
        CHECK(others[i] >= 0);
        if (others[i] == 0) {
            CHECK_EQ(setresuid(61234, 61234, 61234), 0);
            CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
            CHECK_EQ(write(ready[1], "", 1), 1);
            for (;;) pause();
        }
        CHECK_EQ(read(ready[0], &(char){0}, 1), 1);
    }
    CHECK_EQ(setresuid(61234, 61234, 61234), 0); // the third process of that user
    char *argv[] = {"program", NULL};
    CHECK_ERR(execve("missing", argv, environ), EAGAIN); // before all else
    CHECK_ERR(execve("program", argv, environ), EAGAIN);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(kill(others[i], SIGKILL), 0);
        CHECK_EQ(waitpid(others[i], NULL, 0), others[i]);
    }
    for (int i = 0; i < 500; i++) { // the kernel takes its time to count them out
        execve("program", argv, environ);
        CHECK_EQ(errno, EAGAIN);
        usleep(10000);
    }
    _exit(errno);
}

int main(void) {
    struct tiny elf = tiny_elf(NULL);
    write_file("program", &elf, sizeof elf, 0755);
    int status;
    IN_CHILD(status, beyond_the_limit());
    CHECK_EQ(status, 0);
    PASS();
}
