// Shows that a new image's stack grows on demand up to RLIMIT_STACK, and that one page more than that
// is SIGSEGV; with 256 KB, with 8 MB.
// forms: pie static
#include "image.h"
#include "layout.h"
#include <sys/resource.h>

#ifdef IMAGE
int main(void) {
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    unsigned long end = area_named("[stack]").to, lowest = end - limit.rlim_cur;
    int status;
    // All but 16 pages of it can be written, from the top down.
    for (volatile char *at = (char *)__builtin_frame_address(0) - PAGE; (unsigned long)at > lowest + 16 * PAGE; at -= PAGE) *at = 1;
    struct area stack = area_named("[stack]");
    CHECK(stack.to == end && stack.from <= lowest + 17 * PAGE && stack.from >= lowest);
    IN_CHILD(status, *(volatile char *)(lowest - PAGE) = 1);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    SHOW("%lu KB", (unsigned long)limit.rlim_cur >> 10);
    return 0;
}
#else
int main(void) {
    unsigned long sizes[] = {256 << 10, 1 << 20, 8 << 20};
    for (int n = 0; n < 3; n++) {
        struct rlimit limit = {0};
        CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
        limit.rlim_cur = sizes[n];
        if (setrlimit(RLIMIT_STACK, &limit) != 0) SKIP("the limit cannot be set");
        IMAGE_PASSES("pie");
        IMAGE_PASSES("static");
    }
    PASS();
}
#endif
