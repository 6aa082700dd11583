// Shows that the protections of a page are after its calls what they were before, for every kind
// of mapping, and that the file under it has not changed.
// also: load
#include "code.h"
#include "maps.h"

enum { CALLS = 200 };

static void one(const char *name, int prot, int flags, const char *want) {
    unsigned char bytes[3 * PAGE], back[3 * PAGE];
    fill_code(bytes, sizeof bytes);
    put_call(bytes, bytes + PAGE + 100, SYS_getpid);
    put_call(bytes, bytes + PAGE + 1021, SYS_gettid);
    put_call(bytes, bytes + 2 * PAGE - 4, SYS_getppid); // into the third page
    int fd = code_fd(bytes, sizeof bytes);
    unsigned char *text = mmap(NULL, sizeof bytes, prot, flags, fd, 0);
    if (text == MAP_FAILED) {
        CHECK(errno == EPERM || errno == EACCES);
        printf("%s: not allowed\n", name);
        return;
    }
    CHECK_PROTECTION(text + PAGE, want);
    struct mapping before = mapping_of(text + PAGE);
    for (int n = 0; n < CALLS; n++) {
        CHECK_EQ(CALL(text + PAGE + 100), raw0(SYS_getpid));
        CHECK_EQ(CALL(text + PAGE + 1021), raw0(SYS_gettid));
        CHECK_EQ(CALL(text + 2 * PAGE - 4), raw0(SYS_getppid));
    }
    for (int page = 0; page < 3; page++) CHECK_PROTECTION(text + page * PAGE, want);
    // Nor was the mapping split.
    struct mapping after = mapping_of(text + PAGE);
    CHECK_EQ(after.from, before.from);
    CHECK_EQ(after.to, before.to);
    CHECK_EQ(after.inode, before.inode);
    CHECK_EQ(pread(fd, back, sizeof back, 0), (long)sizeof back);
    CHECK(!memcmp(back, bytes, sizeof bytes));
    if (flags & MAP_SHARED && prot & PROT_READ) CHECK(!memcmp(text, bytes, sizeof bytes));

    // Page by page different: the middle one's neighbours keep theirs.
    CHECK_EQ(mprotect(text, PAGE, PROT_NONE), 0);
    if (!(flags & MAP_SHARED)) CHECK_EQ(mprotect(text + 2 * PAGE, PAGE, PROT_EXEC | PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(CALL(text + 2 * PAGE - 4), raw0(SYS_getppid));
    CHECK_EQ(CALL(text + PAGE + 100), raw0(SYS_getpid));
    CHECK_PROTECTION(text, flags & MAP_SHARED ? "---s" : "---p");
    CHECK_PROTECTION(text + PAGE, want);
    if (!(flags & MAP_SHARED)) CHECK_PROTECTION(text + 2 * PAGE, "rwxp");
    CHECK_EQ(munmap(text, sizeof bytes), 0);
    CHECK_EQ(close(fd), 0);
    printf("%s: kept\n", name);
}

int main(void) {
    one("private r-x", PROT_READ | PROT_EXEC, MAP_PRIVATE, "r-xp");
    one("private rwx", PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, "rwxp");
    one("private --x", PROT_EXEC, MAP_PRIVATE, "--xp");
    one("shared r-x", PROT_READ | PROT_EXEC, MAP_SHARED, "r-xs");
    one("shared --x", PROT_EXEC, MAP_SHARED, "--xs");
    PASS();
}
