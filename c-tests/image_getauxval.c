// Shows that getauxval answers from the new image's vector, and ENOENT for what it does not hold.
// forms: pie nopie static static-pie
#include "image.h"
#include <sys/auxv.h>

#ifdef IMAGE
int main(void) {
    CHECK_EQ(getauxval(AT_PAGESZ), PAGE);
    CHECK_EQ(getauxval(AT_CLKTCK), 100);
    CHECK_EQ(getauxval(AT_SECURE), 0);
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_EUID), geteuid());
    CHECK_EQ(getauxval(AT_GID), getgid());
    CHECK_EQ(getauxval(AT_EGID), getegid());
    CHECK(!strcmp((char *)getauxval(AT_PLATFORM), "x86_64"));
    CHECK(getauxval(AT_MINSIGSTKSZ) >= 1024);
    errno = 0;
    CHECK_EQ(getauxval(AT_IGNOREPPC), 0);
    CHECK_EQ(errno, ENOENT);
    errno = 0;
    CHECK_EQ(getauxval(12345), 0);
    CHECK_EQ(errno, ENOENT);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
