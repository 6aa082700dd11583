// rsp is any number at a call: zero, misaligned, unmapped, non-canonical or a kernel
// address; the call is made all the same, and rsp is what it was.
#include "registers.h"

int main(void) {
    static const uint64_t values[] = {0, 1, 8, 0xfff, 0x1000, 0x123456789abc, 0x7fffffffffff, 0x7ffffffff000, 0x800000000000,
                                      0x8000000000000000, 0xffffffff81000000, 0xffffffffffffffff, 0xdeadbeefdeadbeef};
    for (int turn = 0; turn < 200; turn++) {
        for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
            set_patterns(turn);
            regs_in[RSP] = values[i];
            call_immediate();
            CHECK_EQ(regs_out[RAX], getppid());
            check_registers(call_immediate_after, __LINE__);
            regs_in[RAX] = SYS_getppid;
            call_register();
            CHECK_EQ(regs_out[RAX], getppid());
            check_registers(call_register_after, __LINE__);
        }
        for (int off = 1; off < 64; off++) {
            set_patterns(turn);
            regs_in[RSP] += off;
            call_immediate();
            check_registers(call_immediate_after, __LINE__);
        }
    }
    PASS();
}
