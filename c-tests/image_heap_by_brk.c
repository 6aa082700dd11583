// Shows that brk works in a new image: it grows from behind the program, the memory is zero, it
// shrinks and grows again as zero, and an address below its start or far above is refused.
// (A table that the user puts into the heap's way is in its way.)
// modes: native trap rewrite stat command command-trap
// forms: pie nopie static static-pie
#include "image.h"
#include "layout.h"

#ifdef IMAGE
static unsigned long brk_to(unsigned long address) { return rawreg(SYS_brk, address, 0, 0, 0, 0, 0); }

int main(void) {
    unsigned long start = stat_field("/proc/self/stat", 47), at = brk_to(0);
    CHECK(at >= start);
    CHECK_EQ(brk_to(start - 1), at);
    CHECK_EQ(brk_to(1), at);
    CHECK_EQ(brk_to(-1ul), at);
    CHECK_EQ(brk_to(0x7ffffffff000), at);
    CHECK_EQ(brk_to(at + 100), at + 100);
    CHECK_EQ(brk_to(at + 64 * PAGE), at + 64 * PAGE);
    unsigned char *memory = (void *)at;
    for (long n = 0; n < 64 * PAGE; n++) CHECK_EQ(memory[n], 0);
    memset(memory, 0xaa, 64 * PAGE);
    CHECK_EQ(brk_to(at), at);
    CHECK_EQ(brk_to(at + 64 * PAGE), at + 64 * PAGE);
    for (long n = PAGE; n < 64 * PAGE; n++) CHECK_EQ(memory[n], 0);
    CHECK_EQ(brk_to(at), at);
    CHECK_EQ(brk_to(at + (64ul << 20)), at + (64ul << 20));
    memory[63ul << 20] = 1;
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
