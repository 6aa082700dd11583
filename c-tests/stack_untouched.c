// A call writes nothing to the application's stack: 4 KB below rsp and 512 bytes
// above it keep a pattern, on the first call of a site and on later ones.
#include "registers.h"

enum { BELOW = 4096, ABOVE = 512 };
static uint8_t stack[3 * PAGE] __attribute__((aligned(64)));

static void fill(unsigned seed) {
    for (unsigned i = 0; i < sizeof stack; i++) stack[i] = (uint8_t)(i * 7 + seed);
}

static void check(unsigned seed) {
    for (unsigned i = 0; i < sizeof stack; i++) CHECK_EQ(stack[i], (uint8_t)(i * 7 + seed));
}

int main(void) {
    static const long numbers[] = {SYS_getppid, SYS_getpid, 600, SYS_sched_yield, SYS_rt_sigpending, SYS_arch_prctl};
    for (unsigned round = 0; round < 200; round++) {
        set_patterns(round);
        regs_in[RSP] = (uint64_t)stack + BELOW + 8 * (round % 16);
        fill(round);
        call_immediate();
        check(round);
        regs_in[RAX] = numbers[round % 6];
        call_register();
        CHECK_EQ(regs_out[RSP], regs_in[RSP]);
        check(round);
        // Sites that were never executed, one in each page of code: still untouched at the first call.
        if (round < 20) {
            static const unsigned char code[] = {
                0x48, 0x89, 0xe6,             // mov %rsp,%rsi
                0x48, 0x89, 0xfc,             // mov %rdi,%rsp
                0xb8, 0x6e, 0,    0,    0,    // mov $110,%eax
                0x0f, 0x05,                   // syscall
                0x48, 0x89, 0xf4,             // mov %rsi,%rsp
                0xc3,                         // ret
            };
            call_fn cold = (call_fn)make_code(code, sizeof code, PROT_READ | PROT_EXEC);
            CHECK_EQ(cold((long)stack + BELOW, 0, 0), getppid());
            check(round);
        }
    }
    PASS();
}
