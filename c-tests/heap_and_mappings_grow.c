// brk up and down, thousands of mappings, mremap, madvise and mprotect over the
// application's own memory behave as natively, and its low 32-bit mappings have room.
#include "check.h"

int main(void) {
    char *start = sbrk(0);
    CHECK(start != (char *)-1);
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(raw1(SYS_brk, start + (i + 1) * 65536), (long)(start + (i + 1) * 65536));
        start[(i + 1) * 65536 - 1] = (char)i;
    }
    CHECK_EQ(raw1(SYS_brk, start), (long)start);
    CHECK(raw1(SYS_brk, (void *)-1l) == (long)start);
    static char *pages[2000];
    for (int i = 0; i < 2000; i++) {
        pages[i] = mmap(NULL, 2 * PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | (i % 3 ? 0 : MAP_32BIT), -1, 0);
        CHECK(pages[i] != MAP_FAILED);
        if (i % 3 == 0) CHECK((uintptr_t)pages[i] < 1ul << 31);
    }
    for (int i = 0; i < 2000; i++) {
        CHECK_EQ(mprotect(pages[i], PAGE, PROT_READ | PROT_WRITE), 0);
        memset(pages[i], i, PAGE);
        char *moved = mremap(pages[i], PAGE, 3 * PAGE, MREMAP_MAYMOVE);
        CHECK(moved != MAP_FAILED);
        CHECK_EQ(moved[PAGE - 1], (char)i);
        CHECK_EQ(moved[PAGE], 0);
        CHECK_EQ(madvise(moved, PAGE, MADV_DONTNEED), 0);
        CHECK_EQ(moved[0], 0);
        CHECK_EQ(munmap(moved, 3 * PAGE), 0);
        if (moved != pages[i]) CHECK_EQ(munmap(pages[i] + PAGE, PAGE), 0);
    }
    char *large = malloc(100 << 20);
    CHECK(large != NULL);
    for (int i = 0; i < 100; i++) large[(size_t)i << 20] = 1;
    free(large);
    PASS();
}
