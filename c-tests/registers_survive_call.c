// Every integer register but rax, rcx and r11 survives a call, from a site with an
// immediate number and from one without; rcx is the return address, r11 the flags.
// also: sud vetted
#include "registers.h"

int main(void) {
    static const long numbers[] = {SYS_getppid, SYS_getuid, SYS_gettid, SYS_sched_yield, 600, -1, 0x100000027, SYS_rt_sigpending};
    for (uint64_t round = 0; round < 2000; round++) {
        set_patterns(round);
        call_immediate();
        CHECK_EQ(regs_out[RAX], getppid());
        check_registers(call_immediate_after, __LINE__);
        for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            set_patterns(round * 31 + i);
            regs_in[RAX] = numbers[i];
            call_register();
            if (i == 0) CHECK_EQ(regs_out[RAX], getppid());
            if (i == 4) CHECK_EQ(regs_out[RAX], -ENOSYS);
            if (i == 6) CHECK_EQ(regs_out[RAX], getpid());
            if (i == 7) CHECK_EQ(regs_out[RAX], -EINVAL);
            check_registers(call_register_after, __LINE__);
        }
    }
    PASS();
}
