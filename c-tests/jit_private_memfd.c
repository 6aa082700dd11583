// Shows that code in a private mapping of a memfd, and of a file that changes under it, makes the
// calls that its bytes say, and that the file never receives a byte from us.
#include "code.h"

int main(void) {
    long pid = raw0(SYS_getpid), tid = raw0(SYS_gettid);
    unsigned char bytes[PAGE], back[PAGE];
    fill_code(bytes, PAGE);
    put_call(bytes, bytes + 900, SYS_getpid);
    int fd = (int)raw2(SYS_memfd_create, "code", 0);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, bytes, PAGE), PAGE);
    unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (code == MAP_FAILED) SKIP("a memfd may not be mapped executable");
    for (int n = 0; n < 20000; n++) CHECK_EQ(CALL(code + 900), pid);
    CHECK_EQ(pread(fd, back, PAGE, 0), PAGE);
    CHECK(!memcmp(bytes, back, PAGE));
    // Its owner makes the mapping writable: its own bytes are there; then other code.
    CHECK_EQ(mprotect(code, PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK(!memcmp(bytes, code, PAGE));
    emit_call(code + 900, SYS_gettid);
    CHECK_EQ(mprotect(code, PAGE, PROT_READ | PROT_EXEC), 0);
    for (int n = 0; n < 20000; n++) CHECK_EQ(CALL(code + 900), tid);
    CHECK_EQ(pread(fd, back, PAGE, 0), PAGE);
    CHECK(!memcmp(bytes, back, PAGE));
    // Dropped, the file's own bytes are back.
    CHECK_EQ(madvise(code, PAGE, MADV_DONTNEED), 0);
    for (int n = 0; n < 100; n++) CHECK_EQ(CALL(code + 900), pid);
    PASS();
}
