// Shows that code which its owner rewrites between two calls, through mprotect to writable and
// back, makes the new call each time.
#include "code.h"

int main(void) {
    unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    long results[] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid), raw0(SYS_getuid)};
    int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid};
    unsigned char copy[PAGE];
    fill_code(page, PAGE);
    for (int round = 0; round < 300; round++) {
        CHECK_EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
        if (round) CHECK(!memcmp(copy, page, PAGE)); // what was written is what is there
        put_call(page, page + 512, numbers[round % 4]);
        memcpy(copy, page, PAGE);
        CHECK_EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
        for (int n = 0; n < 10; n++) CHECK_EQ(CALL(page + 512), results[round % 4]);
        CHECK(!memcmp(copy, page, PAGE)); // a checksum of cold code finds it unchanged
    }
    PASS();
}
