// Shows that a new image gets its arguments byte for byte: empty strings, all byte values, lines,
// equal strings, and one as long as the kernel takes (128 KB).
// static: yes
// forms: pie nopie static static-pie
#include "image.h"
#include "vectors.h"

static char **arguments(void) {
    static char *vector[] = {NULL, "", "a b", "", "--", "LD_PRELOAD=x", "same", "same", "line\nline\n", "", NULL, NULL, "", NULL};
    vector[0] = all_bytes(255, 0);
    vector[10] = all_bytes(1000, 100);
    vector[11] = all_bytes(32 * PAGE - 1, 7);
    return vector;
}

#ifdef IMAGE
int main(int argc, char **argv) {
    check_vector(argv, arguments());
    CHECK_EQ(argc, 13);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES_WITH(form, arguments());
    PASS();
}
#endif
