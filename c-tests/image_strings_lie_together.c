// Shows that a new image's strings lie as the kernel puts them: each argument behind the one before,
// then the environment's, then the file's name, with nothing between and nothing behind it.
// forms: pie nopie static static-pie
#include "image.h"
#include <sys/auxv.h>

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    char *next = argv[0];
    for (int n = 0; n < argc; n++, next += strlen(next) + 1) CHECK_EQ(argv[n], next);
    CHECK(envp == argv + argc + 1);
    for (int n = 0; envp[n]; n++, next += strlen(next) + 1) CHECK_EQ(envp[n], next);
    CHECK_EQ(getauxval(AT_EXECFN), next);
    // Behind it eight zero bytes and the end of the stack.
    next += strlen(next) + 1;
    CHECK_EQ((uintptr_t)next % PAGE, PAGE - 8);
    for (int n = 0; n < 8; n++) CHECK_EQ(next[n], 0);
    unsigned char resident;
    CHECK_ERR(mincore(next + 8, 1, &resident), ENOMEM);
    return 0;
}
#else
int main(void) {
    char *argv[] = {"image", "", "two", "three three", NULL}, *envp[] = {"A=1", "", "B=22", NULL}, *none[] = {NULL};
    EACH_FORM(form) {
        CHECK_EQ(run_image(image(form), argv, envp), 0);
        CHECK_EQ(run_image(image(form), argv, none), 0);
    }
    PASS();
}
#endif
