// Shows that a new image gets its environment byte for byte and in order: strings without `=`,
// empty ones, equal names, all byte values; none is added, none is left out.
// forms: pie nopie static static-pie
#include "image.h"
#include "vectors.h"

static char **environment(void) {
    static char *vector[] = {"", "A=1", "A=2", "no equal sign", "=", "=x", "B=", "", NULL, "PATH=/nowhere", "A=3", NULL, "Z=", NULL};
    vector[8] = all_bytes(254, 64);
    vector[11] = all_bytes(20 * PAGE, 1);
    return vector;
}

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    CHECK_EQ(argc, 1);
    check_vector(envp, environment());
    CHECK(envp == argv + 2);
    return 0;
}
#else
int main(void) {
    char *argv[] = {"image", NULL};
    EACH_FORM(form) CHECK_EQ(run_image(image(form), argv, environment()), 0);
    PASS();
}
#endif
