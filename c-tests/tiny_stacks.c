// A call works with rsp 1 KB, 64, 8 or 0 bytes above a guard page and from a page
// that cannot be written, at cold sites and warm ones: it needs no stack at all.
#include "registers.h"

int main(void) {
    char *area = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    CHECK_EQ(mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    static const int above[] = {4096, 1024, 128, 64, 16, 8, 1, 0};
    for (unsigned i = 0; i < sizeof above / sizeof *above; i++)
        for (int turn = 0; turn < 300; turn++) {
            set_patterns(turn);
            regs_in[RSP] = (uint64_t)area + PAGE + above[i];
            call_immediate();
            CHECK_EQ(regs_out[RAX], getppid());
            check_registers(call_immediate_after, __LINE__);
            regs_in[RAX] = turn % 2 ? SYS_getppid : 600;
            call_register();
            CHECK_EQ(regs_out[RAX], turn % 2 ? getppid() : -ENOSYS);
            check_registers(call_register_after, __LINE__);
        }
    for (int i = 0; i < 50; i++) {
        static const unsigned char code[] = {0x48, 0x89, 0xe6, 0x48, 0x89, 0xfc, 0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0x48, 0x89, 0xf4, 0xc3};
        call_fn cold = (call_fn)make_code(code, sizeof code, PROT_READ | PROT_EXEC);
        CHECK_EQ(cold((long)area + PAGE + above[i % 8], 0, 0), getppid());
    }
    CHECK_EQ(mprotect(area + PAGE, PAGE, PROT_READ), 0);
    set_patterns(1);
    regs_in[RSP] = (uint64_t)area + PAGE + 2048;
    call_immediate();
    CHECK_EQ(regs_out[RAX], getppid());
    check_registers(call_immediate_after, __LINE__);
    PASS();
}
