// Shows that a new image's uninitialised data is zero: the rest of a page that also holds file data,
// whole pages, 64 MB of it; and that initialised data is the file's.
// forms: pie nopie static static-pie
// form plain: -no-pie -fno-pie -Wl,-z,noseparate-code -Wl,-z,norelro
// form large-pages: -pie -fPIE -Wl,-z,max-page-size=0x200000
#include "image.h"
#include "layout.h"

#ifdef IMAGE
static char small[100], large[64 << 20], data[10000] = {1, 2, 3, [5000] = 5, [9999] = 9};
static const char constant[5000] = {[4999] = 4};
static __thread char of_thread[300], of_thread_set[30] = {[29] = 7};

int main(void) {
    for (unsigned long at = 0; at < sizeof large; at += 509) CHECK_EQ(((volatile char *)large)[at], 0);
    for (unsigned long at = 0; at < sizeof small; at++) CHECK_EQ(((volatile char *)small)[at], 0);
    for (unsigned long at = 0; at < sizeof of_thread; at++) CHECK_EQ(((volatile char *)of_thread)[at], 0);
    CHECK(((volatile char *)data)[5000] == 5 && ((volatile char *)data)[9999] == 9 && ((volatile char *)data)[6000] == 0);
    CHECK(((volatile const char *)constant)[4999] == 4 && ((volatile char *)of_thread_set)[29] == 7);
    // From the end of the last segment's program text to the end of its page: zero.
    for (volatile char *at = (char *)program_end(); (unsigned long)at % PAGE; at++) CHECK_EQ(*at, 0);
    large[(64 << 20) - 1] = 1;
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    IMAGE_PASSES("plain");
    IMAGE_PASSES("large-pages");
    PASS();
}
#endif
