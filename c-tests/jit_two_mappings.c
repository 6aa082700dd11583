// Shows that code with two mappings, one writable and one executable, is never written through:
// the writable view keeps its bytes after 20,000 calls and a change made in it takes effect.
#include "code.h"

static void views(int fd, int flags_of_executable) {
    long pid = raw0(SYS_getpid), tid = raw0(SYS_gettid);
    unsigned char *writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(writable != MAP_FAILED);
    unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, flags_of_executable, fd, 0);
    if (code == MAP_FAILED) SKIP("the file may not be mapped executable");
    unsigned char copy[PAGE];
    fill_code(writable, PAGE);
    for (int round = 0; round < 4; round++) {
        put_call(writable, writable + 700, round % 2 ? SYS_gettid : SYS_getpid);
        memcpy(copy, writable, PAGE);
        for (int n = 0; n < 20000; n++) {
            CHECK_EQ(CALL(code + 700), round % 2 ? tid : pid);
            if (n % 4096 == 0) CHECK(!memcmp(copy, writable, PAGE));
        }
        CHECK(!memcmp(copy, writable, PAGE));
        unsigned char read_back[PAGE];
        CHECK_EQ(pread(fd, read_back, PAGE, 0), PAGE);
        CHECK(!memcmp(copy, read_back, PAGE));
    }
    // A second view that comes after the code was hot.
    unsigned char *late = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(late != MAP_FAILED);
    CHECK(!memcmp(copy, late, PAGE));
    emit_call(late + 700, SYS_getppid);
    for (int n = 0; n < 100; n++) CHECK_EQ(CALL(code + 700), raw0(SYS_getppid));
    CHECK_EQ(munmap(late, PAGE) | munmap(writable, PAGE) | munmap(code, PAGE), 0);
    CHECK_EQ(close(fd), 0);
}

int main(void) {
    int fd = (int)raw2(SYS_memfd_create, "code", 0);
    CHECK(fd >= 0);
    CHECK_EQ(ftruncate(fd, PAGE), 0);
    views(fd, MAP_SHARED);
    char page[PAGE] = {0};
    views(code_fd(page, PAGE), MAP_SHARED);

    // Shared anonymous memory, executed by a child as well.
    long pid = raw0(SYS_getppid);
    unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    fill_code(code, PAGE);
    put_call(code, code + 700, SYS_getppid);
    CHECK_EQ(mprotect(code, PAGE, PROT_READ | PROT_EXEC), 0);
    for (int n = 0; n < 20000; n++) CHECK_EQ(CALL(code + 700), pid);
    long parent = raw0(SYS_getpid);
    int status;
    IN_CHILD(status, for (int n = 0; n < 5000; n++) CHECK_EQ(CALL(code + 700), parent));
    CHECK_EQ(status, 0);
    CHECK(is_original(code + 700, SYS_getppid));
    PASS();
}
