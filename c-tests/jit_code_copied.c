// Shows that code which was called but is not hot can be copied, checksummed and run elsewhere:
// the copy has the original bytes and its registers after a call are those of its own place.
#include "code.h"

int main(void) {
    long pid = raw0(SYS_getpid);
    unsigned char bytes[PAGE];
    fill_code(bytes, sizeof bytes);
    put_call(bytes, bytes + 2000, SYS_getpid);
    unsigned char *code = make_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC);
    for (int generation = 0; generation < 60; generation++) {
        struct regs in, out;
        pattern_regs(&in, (uint64_t)generation);
        for (int n = 0; n < 30; n++) {
            call_with(code + 2000, &in, &out);
            CHECK_EQ(out.rax, pid);
            check_regs(&in, &out, code + 2007);
        }
        CHECK(!memcmp(bytes, code, PAGE));
        unsigned char *next = make_code(code, PAGE, PROT_READ | PROT_EXEC);
        if (generation % 2) {
            CHECK_EQ(munmap(code, PAGE), 0);
        } else { // scribbled over, the old one is of no use to the new
            CHECK_EQ(mprotect(code, PAGE, PROT_READ | PROT_WRITE), 0);
            memset(code, 0xcc, PAGE);
        }
        code = next;
    }
    PASS();
}
