// Shows that a process has its children still when it has become another image: it waits for those that
// live, and for those that have ended before.
// forms: pie static
#include "image.h"

#ifdef IMAGE
int main(int argc, char **argv) {
    int status;
    CHECK_EQ(argc, 4);
    CHECK_EQ(waitpid(atoi(argv[1]), &status, 0), atoi(argv[1]));
    CHECK_EQ(status, 5 << 8);
    CHECK_EQ(waitpid(atoi(argv[2]), &status, WNOHANG), 0);
    CHECK_EQ(kill(atoi(argv[2]), SIGTERM), 0);
    CHECK_EQ(waitpid(atoi(argv[2]), &status, 0), atoi(argv[2]));
    CHECK_EQ(status, SIGTERM);
    CHECK_ERR(wait(NULL), ECHILD);
    CHECK_EQ(getpid(), atoi(argv[3]));
    return 0;
}
#else
int main(void) {
    DYNAMIC_AND_STATIC(form) {
        int status;
        char ended[16], alive[16], self[16], *argv[] = {"image", ended, alive, self, NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            siginfo_t info;
            pid_t child = fork();
            if (child == 0) _exit(5);
            snprintf(ended, sizeof ended, "%d", child);
            CHECK_EQ(waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0);
            child = fork();
            if (child == 0)
                for (;;) pause();
            snprintf(alive, sizeof alive, "%d", child);
            snprintf(self, sizeof self, "%d", getpid());
            execve(image(form), argv, envp);
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
