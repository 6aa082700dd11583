// Shows that an alarm set before exec ends the new image at its time, and that one is counted on.
// forms: pie static
#include "image.h"

#ifdef IMAGE
int main(int argc, char **argv) {
    CHECK_EQ(argc, 2);
    if (argv[1][0] == 'w') {
        for (;;) pause();
    }
    CHECK(alarm(0) >= 90);
    return 0;
}
#else
int main(void) {
    DYNAMIC_AND_STATIC(form) {
        int status;
        char *argv[] = {"image", "wait", NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            alarm(1);
            execve(image(form), argv, envp);
        });
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
        argv[1] = "look";
        IN_CHILD(status, {
            alarm(100);
            execve(image(form), argv, envp);
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
