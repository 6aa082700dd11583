// Shows that RLIMIT_DATA bounds a new image's heap as natively: it may grow to within 3 MB of
// the limit, and not past it. (The library's own data are 2 MB.)
// without: guest
// forms: nopie static
#include "image.h"
#include "layout.h"
#include <sys/resource.h>

#ifdef IMAGE
int main(void) {
    // brk counts from the data's start: heap and data together stay below 8 MB.
    unsigned long data = stat_field("/proc/self/stat", 46) - stat_field("/proc/self/stat", 45);
    unsigned long start = stat_field("/proc/self/stat", 47), room = (8ul << 20) - data, now = (unsigned long)sbrk(0);
    CHECK_EQ(brk((void *)(start + room - (3 << 20))), 0);
    memset((void *)now, 1, start + room - (3 << 20) - now);
    CHECK_ERR(brk((void *)(start + room + PAGE)), ENOMEM);
    return 0;
}
#else
int main(void) {
    struct rlimit limit = {8 << 20, 8 << 20};
    CHECK_EQ(setrlimit(RLIMIT_DATA, &limit), 0);
    IMAGE_PASSES("nopie");
    IMAGE_PASSES("static");
    PASS();
}
#endif
