// modes: trap rewrite fallback
// `int $0x80` is no 64-bit call: under the library it answers ENOSYS, and never serves
// the x86-64 call of the same number (20 is getpid there, writev here).
// also: sud
#include "check.h"

static long int80(long nr, long a) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    return result;
}

int main(void) {
    for (int turn = 0; turn < 100; turn++) {
        CHECK_EQ(int80(20, 0), -ENOSYS);  // getpid
        CHECK_EQ(int80(1, 3), -ENOSYS);   // exit there, write here
        CHECK_EQ(int80(60, 7), -ENOSYS);  // umask there, exit here
        CHECK_EQ(int80(252, 7), -ENOSYS); // exit_group there
        CHECK_EQ(raw0(SYS_getpid), getpid());
    }
    PASS();
}
