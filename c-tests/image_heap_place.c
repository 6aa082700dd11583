// Shows where the heap of a new image begins: behind the program's zeros, within the kernel's random
// distance of 1 GB (a static PIE's in a place of its own); it is labelled [heap] once it has grown.
// forms: pie nopie static static-pie
// form odd-base: -no-pie -fno-pie -Wl,-Ttext-segment=0x10000000
#include "image.h"
#include "layout.h"

#ifdef IMAGE
int main(void) {
    unsigned long start = stat_field("/proc/self/stat", 47), end = program_end();
    CHECK(sbrk(3 * PAGE) != (void *)-1);
    struct area heap = area_named("[heap]");
    CHECK(heap.to != 0 && !strcmp(heap.protection, "rw-p"));
    CHECK_EQ(heap.from, start & ~(PAGE - 1ul));
    CHECK_EQ(heap.to, ((unsigned long)sbrk(0) + PAGE - 1) & ~(PAGE - 1ul));
    if (start >= end && start - end <= (1ul << 30) + PAGE)
        SHOW("within 1 GB behind the program");
    else
        SHOW("elsewhere: %s, program %s", start >> 40 == 0x55 || start >> 40 == 0x56 ? "low" : "high",
             (unsigned long)&__ehdr_start >> 40 >= 0x7e ? "high" : "low");
    return 0;
}
#else
int main(void) {
    for (int n = 0; n < 4; n++) {
        EACH_FORM(form) IMAGE_PASSES(form);
        IMAGE_PASSES("odd-base");
    }
    PASS();
}
#endif
