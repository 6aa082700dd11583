// Shows that a program at a fixed address, whose break lies under the range where the library
// likes its table and grows over it, gets its memory; malloc is content as well.
// Without the fallback's fixed table, which is in the heap's way now and then: the kernel puts this anywhere in 1 GB.
// modes: native trap rewrite stat command
// cflags: -no-pie -fno-pie -Wl,-Ttext-segment=0x4800000
#include "code.h"

int main(void) {
    char *start = sbrk(0);
    CHECK((uintptr_t)main > 0x4800000 && (uintptr_t)main < 0x4900000);
    size_t total = 0;
    while (total < 48 << 20) {
        char *old = sbrk(1 << 16);
        CHECK(old == start + total);
        memset(old, 0x5a, 1 << 16);
        total += 1 << 16;
    }
    CHECK((uintptr_t)sbrk(0) > 0x5100000);
    for (size_t at = 0; at < total; at += 4096) CHECK_EQ(start[at], 0x5a);
    for (int n = 0; n < 1000; n++) CHECK_EQ(getppid(), raw0(SYS_getppid));
    CHECK_EQ(brk(start), 0);
    for (int n = 0; n < 2000; n++) {
        char *block = malloc(20000);
        CHECK(block);
        memset(block, n, 20000);
    }
    PASS();
}
