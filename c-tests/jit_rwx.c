// Shows that code in pages that stay readable, writable and executable is served rightly, keeps
// its bytes (checksummed after thousands of calls), and may be changed by its owner at any time.
#include "code.h"

int main(void) {
    unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) SKIP("memory that is writable and executable is not allowed");
    long results[] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid), raw0(SYS_getuid)};
    int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid};
    fill_code(page, PAGE);
    unsigned char copy[PAGE];
    for (int round = 0; round < 400; round++) {
        unsigned char *site = page + 64 + (round * 61) % 3500;
        put_call(page, site, numbers[round % 4]);
        memcpy(copy, page, PAGE);
        for (int n = 0; n < 20; n++) CHECK_EQ(CALL(site), results[round % 4]);
        CHECK(!memcmp(copy, page, PAGE));
        // Only the number changes, in place.
        int next = numbers[(round + 1) % 4];
        memcpy(site + 1, &next, 4);
        for (int n = 0; n < 20; n++) CHECK_EQ(CALL(site), results[(round + 1) % 4]);
        CHECK(is_original(site, next));
    }
    // Hot as well: writable memory is never touched.
    unsigned char *site = page + 64;
    emit_call(site, SYS_getpid);
    memcpy(copy, page, PAGE);
    for (int n = 0; n < 20000; n++) CHECK_EQ(CALL(site), results[0]);
    CHECK(!memcmp(copy, page, PAGE));
    PASS();
}
