// Shows that text whose mapping is longer than its file, where to look too far is SIGBUS, is
// served: sites of all kinds near the file's last page's end and at the very end of a mapping.
#include "code.h"

int main(void) {
    long pid = raw0(SYS_getpid);
    unsigned char page[PAGE];
    fill_code(page, PAGE);
    put_call(page, page + PAGE - 8, SYS_getpid);
    put_call(page, page + PAGE - 90, SYS_getpid);
    memcpy(page + 2000, "\x90\x6a\x27\x58\x90\x90\x90\x0f\x05\xc3", 10);      // push $39; pop %rax; syscall; ret
    memcpy(page + PAGE - 60, "\x90\x6a\x27\x58\x90\x90\x90\x0f\x05\xc3", 10); // the same near the end
    memset(page + PAGE - 50, 0xcc, 34);
    for (int cut = 0; cut < 2; cut++) {
        int fd = code_fd(page, PAGE);
        unsigned char *text = mmap(NULL, 40 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
        CHECK(text != MAP_FAILED);
        for (int n = 0; n < 50; n++) {
            CHECK_EQ(CALL(text + PAGE - 8), pid);
            CHECK_EQ(CALL(text + PAGE - 90), pid);
            CHECK_EQ(CALL(text + 2000), pid);
            CHECK_EQ(CALL(text + PAGE - 60), pid);
        }
        CHECK_EQ(munmap(text, 40 * PAGE), 0);
        // The first of three pages is behind the file's end as seen from the second: only one is there.
        text = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(text != MAP_FAILED);
        CHECK(mmap(text + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == text + PAGE);
        for (int n = 0; n < 50; n++) {
            CHECK_EQ(CALL(text + 2 * PAGE - 60), pid);
            CHECK_EQ(CALL(text + 2 * PAGE - 90), pid);
        }
        CHECK_EQ(munmap(text, 3 * PAGE) | close(fd), 0);
    }
    PASS();
}
