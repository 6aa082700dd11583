// All arithmetic flags, DF, AC and ID survive a call, in every combination, and r11
// shows them; a call made with DF and AC set is served like any other.
#include "registers.h"

int main(void) {
    static const unsigned bits[] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800, 0x400, 0x40000, 0x200000};
    for (int round = 0; round < 3; round++)
        for (unsigned mask = 0; mask < 1u << 9; mask++) {
            set_patterns(mask);
            for (int i = 0; i < 9; i++)
                if (mask >> i & 1) regs_in[FLAGS] |= bits[i];
            call_immediate();
            CHECK_EQ(regs_out[RAX], getppid());
            check_registers(call_immediate_after, __LINE__);
            regs_in[RAX] = mask & 1 ? 700 : SYS_getppid;
            call_register();
            CHECK_EQ(regs_out[RAX], mask & 1 ? -ENOSYS : getppid());
            check_registers(call_register_after, __LINE__);
        }
    PASS();
}
