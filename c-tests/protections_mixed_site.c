// Shows that a site across two pages of different protections (execute-only, writable, of
// another mapping, shared beside private) is served and leaves both as they were.
// also: load
#include "code.h"
#include "maps.h"

struct kind {
    const char *name;
    int first, second;
    const char *first_text, *second_text;
};
enum { R = PROT_READ, W = PROT_WRITE, X = PROT_EXEC };

static const struct kind kinds[] = {
    {"r-x, --x", R | X, X, "r-xp", "--xp"},
    {"--x, r-x", X, R | X, "--xp", "r-xp"},
    {"rwx, r-x", R | W | X, R | X, "rwxp", "r-xp"},
    {"r-x, rwx", R | X, R | W | X, "r-xp", "rwxp"},
    {"--x, rwx", X, R | W | X, "--xp", "rwxp"},
};

int main(void) {
    unsigned char bytes[2 * PAGE], back[2 * PAGE];
    long tid = raw0(SYS_gettid);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const struct kind *kind = &kinds[k];
        for (int split = 1; split <= 6; split++) {
            fill_code(bytes, sizeof bytes);
            put_call(bytes, bytes + PAGE - split, SYS_gettid);
            int fd = code_fd(bytes, sizeof bytes);
            unsigned char *text = mmap(NULL, sizeof bytes, R | X, MAP_PRIVATE, fd, 0);
            CHECK(text != MAP_FAILED);
            CHECK_EQ(mprotect(text, PAGE, kind->first), 0);
            CHECK_EQ(mprotect(text + PAGE, PAGE, kind->second), 0);
            for (int n = 0; n < 50; n++) {
                struct regs in, out;
                pattern_regs(&in, (uint64_t)n);
                call_with(text + PAGE - split, &in, &out);
                CHECK_EQ(out.rax, tid);
                check_regs(&in, &out, text + PAGE - split + 7);
            }
            CHECK_PROTECTION(text, kind->first_text);
            CHECK_PROTECTION(text + PAGE, kind->second_text);
            CHECK_EQ(pread(fd, back, sizeof back, 0), (long)sizeof back);
            CHECK(!memcmp(back, bytes, sizeof bytes));
            CHECK_EQ(munmap(text, sizeof bytes) | close(fd), 0);
        }
        puts(kind->name);
    }
    // The first page private, the second shared: the file under the second stays.
    for (int split = 1; split <= 6; split++) {
        fill_code(bytes, sizeof bytes);
        put_call(bytes, bytes + PAGE - split, SYS_gettid);
        int fd = code_fd(bytes, sizeof bytes);
        for (int shared_first = 0; shared_first < 2; shared_first++) {
            unsigned char *text = mmap(NULL, sizeof bytes, R | X, shared_first ? MAP_SHARED : MAP_PRIVATE, fd, 0);
            CHECK(text != MAP_FAILED);
            CHECK(mmap(text + PAGE, PAGE, R | X, MAP_FIXED | (shared_first ? MAP_PRIVATE : MAP_SHARED), fd, PAGE) == text + PAGE);
            for (int n = 0; n < 50; n++) CHECK_EQ(CALL(text + PAGE - split), tid);
            CHECK_EQ(pread(fd, back, sizeof back, 0), (long)sizeof back);
            CHECK(!memcmp(back, bytes, sizeof bytes));
            CHECK_EQ(munmap(text, sizeof bytes), 0);
        }
        CHECK_EQ(close(fd), 0);
    }
    PASS();
}
