// Shows that the place of mappings follows the stack's limit and the personality as natively: top down
// below the stack, further down for a larger limit, bottom up for an unlimited one or the old layout.
// forms: pie static static-pie
#include "image.h"
#include "layout.h"
#include <sys/personality.h>
#include <sys/resource.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    unsigned long one = (unsigned long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long two = (unsigned long)mmap(NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW("  %s: at %#lx, %s", FORM, one, two > one ? "upwards" : "downwards");
    SHOW("  interpreter %#lx, program %p, vDSO %#lx", getauxval(AT_BASE), (void *)&__ehdr_start, getauxval(AT_SYSINFO_EHDR));
    CHECK(argc == 1 && argv[0]);
    return 0;
}
#else
int main(void) {
    struct { const char *what; unsigned long stack, personality; } cases[] = {
        {"8 MB", 8 << 20, ADDR_NO_RANDOMIZE},
        {"1 GB", 1 << 30, ADDR_NO_RANDOMIZE},
        {"unlimited", RLIM_INFINITY, ADDR_NO_RANDOMIZE},
        {"old layout", 8 << 20, ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT},
    };
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    if (limit.rlim_max != RLIM_INFINITY) SKIP("the stack's hard limit");
    for (int n = 0; n < 4; n++) {
        SHOW("%s:", cases[n].what);
        limit.rlim_cur = cases[n].stack;
        CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
        if (personality(cases[n].personality) == -1) SKIP("personality is not allowed");
        IMAGE_PASSES("pie");
        IMAGE_PASSES("static");
        IMAGE_PASSES("static-pie");
    }
    PASS();
}
#endif
