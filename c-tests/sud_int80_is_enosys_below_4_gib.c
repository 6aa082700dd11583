// Under Syscall User Dispatch `int $0x80` is ENOSYS of 64-bit code below 4 GiB, too, where the filter lets it through.
// modes: sud
#include "check.h"

int main(void) {
    static const unsigned char code[] = {0x53, 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x5b, 0xc3}; // getpid of i386
    unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(at != MAP_FAILED && (uintptr_t)at >> 32 == 0);
    memcpy(at, code, sizeof code);
    CHECK_EQ(mprotect(at, 4096, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(((int (*)(void))at)(), -ENOSYS);
    PASS();
}
