// Shows that a rewritten site across two pages, of which the kernel drops one (MADV_DONTNEED) so
// that half of it is the file's again, still makes its call.
#include "code.h"

int main(void) {
    unsigned char bytes[2 * PAGE];
    long tid = raw0(SYS_gettid);
    for (int split = 1; split <= 6; split++) {
        fill_code(bytes, sizeof bytes);
        put_call(bytes, bytes + PAGE - split, SYS_gettid);
        unsigned char *text = map_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE);
        for (int round = 0; round < 20; round++) {
            struct regs in, out;
            for (uint64_t n = 0; n < 4; n++) {
                pattern_regs(&in, n);
                call_with(text + PAGE - split, &in, &out);
                CHECK_EQ(out.rax, tid);
                check_regs(&in, &out, text + PAGE - split + 7);
            }
            CHECK_EQ(madvise(text + round % 2 * PAGE, PAGE, MADV_DONTNEED), 0);
        }
        CHECK_EQ(munmap(text, sizeof bytes), 0);
    }
    PASS();
}
