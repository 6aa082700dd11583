// Shows that PR_SET_PDEATHSIG stays over exec: the new image reads it, and gets it when its parent ends.
// forms: pie static
#include "image.h"
#include <sys/prctl.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    int signal = 0;
    CHECK_EQ(argc, 2);
    CHECK_EQ(prctl(PR_GET_PDEATHSIG, &signal), 0);
    CHECK_EQ(signal, SIGUSR2);
    SAY("!");
    if (argv[1][0] == 'w')
        for (;;) pause();
    return 0;
}
#else
int main(void) {
    const char *forms[] = {"pie", "static"};
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int n = 0; n < 2; n++) {
        int status, pipes[2], back[2];
        pid_t grandchild;
        char byte, *argv[] = {"image", "look", NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            dup2(open("/dev/null", O_WRONLY), 1);
            execve(image(forms[n]), argv, envp);
        });
        CHECK_EQ(status, 0);
        argv[1] = "wait";
        CHECK_EQ(pipe(pipes) | pipe(back), 0);
        IN_CHILD(status, {
            pid_t child = fork();
            CHECK_EQ(write(back[1], child ? &child : &grandchild, child ? sizeof child : 0), child ? (long)sizeof child : 0);
            if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGUSR2);
                dup2(pipes[1], 1);
                execve(image(forms[n]), argv, envp);
                _exit(126);
            }
            CHECK_EQ(read(pipes[0], &byte, 1), 1); // the image runs
        });
        CHECK_EQ(status, 0);
        CHECK_EQ(read(back[0], &grandchild, sizeof grandchild), (long)sizeof grandchild);
        CHECK_EQ(waitpid(grandchild, &status, 0), grandchild);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2);
        close(pipes[0]), close(pipes[1]), close(back[0]), close(back[1]);
    }
    PASS();
}
#endif
