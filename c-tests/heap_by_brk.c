// Shows that the break grows and shrinks as natively, by brk and sbrk, 64 MB up and down, that its
// memory holds what is written, and that wrong requests leave it where it is.
#include "code.h"

int main(void) {
    char *start = sbrk(0);
    CHECK(start != (char *)-1);
    CHECK_EQ(raw1(SYS_brk, 0), (long)start);
    for (int round = 0; round < 4; round++) {
        size_t step = 1234567, total = 0;
        while (total < 64 << 20) {
            char *old = sbrk((intptr_t)step);
            CHECK(old == start + total);
            memset(old, (int)(total >> 16) & 0xff, step);
            total += step;
        }
        for (size_t at = 0; at < total; at += step) {
            CHECK_EQ((unsigned char)start[at], (at >> 16) & 0xff);
            CHECK_EQ((unsigned char)start[at + step - 1], (at >> 16) & 0xff);
        }
        CHECK_EQ(raw1(SYS_brk, start + PAGE), (long)start + PAGE);
        CHECK_EQ(raw1(SYS_brk, 1), (long)start + PAGE); // refused: where it is
        CHECK_EQ(raw1(SYS_brk, -1), (long)start + PAGE);
        CHECK_EQ(brk(start), 0);
        CHECK(sbrk(0) == start);
    }
    // New pages are zero again.
    char *again = sbrk(PAGE * 8);
    CHECK(again == start);
    char *page = (char *)(((uintptr_t)start + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    for (int i = 0; i < PAGE; i++) CHECK_EQ(page[i], 0);
    PASS();
}
