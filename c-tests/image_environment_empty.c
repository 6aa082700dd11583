// Shows that an image started with no environment has none: not in envp, not in /proc/self/environ;
// also when the list's pointer is null, and in what it starts in turn.
// static: yes
// forms: pie nopie static static-pie
#include "image.h"

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    char byte;
    CHECK_EQ(argc, 2);
    CHECK(envp[0] == NULL);
    int file = open("/proc/self/environ", O_RDONLY);
    CHECK(file >= 0);
    CHECK_EQ(read(file, &byte, 1), 0);
    CHECK_EQ(close(file), 0);
    if (argv[1][0] == '2') {
        argv[1] = "1";
        execve(argv[0], argv, envp);
        CHECK(0);
    }
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) {
        char *argv[] = {(char *)image(form), "2", NULL}, *envp[] = {NULL};
        CHECK_EQ(run_image(argv[0], argv, envp), 0);
        char **volatile null = NULL;
        CHECK_EQ(run_image(argv[0], argv, null), 0);
    }
    PASS();
}
#endif
