// Shows that an image executed with an empty argument list, or with a null pointer for it, gets
// one empty argument (Linux 5.18 and later), and its environment behind it.
// forms: pie nopie static static-pie
#include "image.h"

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    CHECK_EQ(argc, 1);
    CHECK_EQ(argv[0][0], 0);
    CHECK(argv[1] == NULL && envp == argv + 2);
    CHECK(!strcmp(envp[0], "A=1") && envp[1] == NULL);
    CHECK(envp[0] == argv[0] + 1);
    return 0;
}
#else
int main(void) {
    char *argv[] = {NULL}, *envp[] = {"A=1", NULL}, **volatile null = NULL;
    EACH_FORM(form) {
        CHECK_EQ(run_image(image(form), argv, envp), 0);
        CHECK_EQ(run_image(image(form), null, envp), 0);
    }
    PASS();
}
#endif
