// Shows that an image gets 10,000 arguments and 10,000 environment strings, and passes them on.
// forms: pie static
#include "image.h"
#include "vectors.h"
#include <sys/auxv.h>

enum { COUNT = 10000 };

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    CHECK_EQ(argc, COUNT);
    check_vector(argv, many_strings(COUNT, "argument"));
    char **want = many_strings(COUNT, "V");
    if (!strcmp(envp[COUNT - 1], want[COUNT - 1])) {
        check_vector(envp, want);
        envp[COUNT - 1] = "again";
        execve((char *)getauxval(AT_EXECFN), argv, envp);
        CHECK(0);
    }
    CHECK(!strcmp(envp[COUNT - 1], "again"));
    return 0;
}
#else
int main(void) {
    char **argv = many_strings(COUNT, "argument"), **envp = many_strings(COUNT, "V");
    CHECK_EQ(run_image(image("pie"), argv, envp), 0);
    CHECK_EQ(run_image(image("static"), argv, envp), 0);
    PASS();
}
#endif
