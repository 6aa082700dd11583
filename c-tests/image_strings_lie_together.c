// Shows that a new image's strings lie as the kernel puts them: each argument behind the one before,
// then the environment's, then the file's name, with nothing between, and zeros up to the stack's end.
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
    char *end = (char *)(((uintptr_t)next + strlen(next) + 1 + PAGE - 1) & ~(PAGE - 1ul));
    unsigned char resident;
    if (mincore(end, 1, &resident) == 0) end += PAGE; // a border of pages near the end
    CHECK_ERR(mincore(end, 1, &resident), ENOMEM);
    for (next += strlen(next); next < end; next++) CHECK_EQ(*next, 0);
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
