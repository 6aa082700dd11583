// Shows that unmapping ranges that begin, end or lie within text with rewritten sites leaves the
// rest working, and that text mapped into the holes is served as what it is.
// also: load
#include "code.h"

enum { PAGES = 16 };

int main(void) {
    size_t size = PAGES * PAGE;
    static unsigned char bytes[PAGES * PAGE];
    fill_code(bytes, size);
    for (int p = 0; p < PAGES; p++) {
        put_call(bytes, bytes + p * PAGE + 300, SYS_getpid);
        if (p < PAGES - 1) put_call(bytes, bytes + (p + 1) * PAGE - 3, SYS_gettid); // into the next page
    }
    int fd = code_fd(bytes, size);
    long pid = raw0(SYS_getpid), tid = raw0(SYS_gettid), ppid = raw0(SYS_getppid);
    static unsigned char other[PAGE];
    fill_code(other, PAGE);
    put_call(other, other + 300, SYS_getppid);
    int other_fd = code_fd(other, PAGE);
    for (int round = 0; round < 60; round++) {
        unsigned char *text = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
        CHECK(text != MAP_FAILED);
        for (int p = 0; p < PAGES; p++)
            for (int n = 0; n < 3; n++) {
                CHECK_EQ(CALL(text + p * PAGE + 300), pid);
                if (p < PAGES - 1) CHECK_EQ(CALL(text + (p + 1) * PAGE - 3), tid);
            }
        int hole = 1 + round % (PAGES - 4), width = 1 + round % 3;
        CHECK_EQ(munmap(text + hole * PAGE, (size_t)width * PAGE), 0);
        for (int p = 0; p < PAGES; p++)
            if (p < hole || p >= hole + width) CHECK_EQ(CALL(text + p * PAGE + 300), pid);
        for (int p = hole; p < hole + width; p++)
            CHECK(mmap(text + p * PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, other_fd, 0) == text + p * PAGE);
        for (int n = 0; n < 5; n++)
            for (int p = hole; p < hole + width; p++) CHECK_EQ(CALL(text + p * PAGE + 300), ppid);
        // The file's page again: the halves of sites that straddle it meet their other halves.
        for (int p = hole; p < hole + width; p++)
            CHECK(mmap(text + p * PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, p * PAGE) == text + p * PAGE);
        for (int p = hole; p < hole + width; p++) CHECK_EQ(CALL(text + p * PAGE + 300), pid);
        for (int p = 1; p < PAGES; p++) CHECK_EQ(CALL(text + p * PAGE - 3), tid);
        CHECK_EQ(munmap(text, size), 0);
        unsigned char probe;
        CHECK_ERR(mincore(text, PAGE, &probe), ENOMEM);
    }
    PASS();
}
