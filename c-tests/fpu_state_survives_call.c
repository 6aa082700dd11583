// The x87 stack, its control and status words, MMX registers, mxcsr and PKRU are
// kept over calls, with unusual rounding modes and with pending exception flags.
#include "check.h"
#include <cpuid.h>

struct x87 {
    uint8_t environment[28];
    uint8_t stack[80];
};

static long call(int by_register) { return by_register ? rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0) : raw0(SYS_getppid); }

static NOINLINE void x87_stack(int by_register, int depth) {
    static struct x87 before, after;
    static const uint16_t controls[] = {0x037f, 0x007f, 0x0c7f, 0x0b3f};
    __asm__ volatile("fninit\n\tfldcw %0" ::"m"(controls[depth % 4]));
    for (int i = 0; i < depth; i++) __asm__ volatile("fldpi\n\tfldl2e\n\tfmulp");
    if (depth & 1) __asm__ volatile("fld1\n\tfldz\n\tfdivrp\n\tfstp %%st(0)" ::: "memory");
    if (depth & 2) __asm__ volatile("fcompp");
    // fnsave resets the FPU, frstor puts it back: a picture without a change.
    __asm__ volatile("fnsave %0\n\tfrstor %0" : "+m"(before));
    call(by_register);
    __asm__ volatile("fnsave %0" : "+m"(after));
    // Control, status and tag words, then the registers. (Instruction pointers are not architectural here.)
    CHECK_EQ(memcmp(before.environment, after.environment, 10), 0);
    CHECK_EQ(memcmp(before.stack, after.stack, sizeof before.stack), 0);
    __asm__ volatile("fninit");
}

static NOINLINE void mmx(int by_register) {
    uint64_t in[8], out[8];
    for (int i = 0; i < 8; i++) in[i] = 0x1122334455667788u * (i + 3);
    __asm__ volatile(".irp i,0,1,2,3,4,5,6,7\n movq \\i*8(%0), %%mm\\i\n .endr" ::"r"(in)
                     : "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "memory");
    call(by_register);
    __asm__ volatile(".irp i,0,1,2,3,4,5,6,7\n movq %%mm\\i, \\i*8(%0)\n .endr\n emms" ::"r"(out) : "memory");
    CHECK_EQ(memcmp(in, out, sizeof in), 0);
}

// Empty registers have values too: of x87 nothing but these tells it from a fresh one.
static NOINLINE void emptied(int by_register) {
    static struct x87 before, after;
    uint64_t in[8];
    for (int i = 0; i < 8; i++) in[i] = i == by_register + 3 ? 0x1122334455667788u : 0;
    __asm__ volatile("fninit\n\t.irp i,0,1,2,3,4,5,6,7\n movq \\i*8(%0), %%mm\\i\n .endr\n emms" ::"r"(in)
                     : "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "memory");
    __asm__ volatile("fnsave %0\n\tfrstor %0" : "+m"(before));
    call(by_register);
    __asm__ volatile("fnsave %0" : "+m"(after));
    CHECK_EQ(memcmp(before.environment, after.environment, 10), 0);
    CHECK_EQ(memcmp(before.stack, after.stack, sizeof before.stack), 0);
}

int main(void) {
    unsigned a, b, c = 0, d;
    int keys = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & 1 << 4);
    for (int round = 0; round < 2000; round++) {
        int by_register = round & 1;
        x87_stack(by_register, round % 8);
        mmx(by_register);
        emptied(by_register);
        // Rounding modes, flush to zero, denormals are zero, and sticky flags (all masked).
        uint32_t in = 0x1f80 | (round % 4) << 13 | (round & 1) << 15 | (round >> 1 & 1) << 6 | (round % 64), out, standard = 0x1f80;
        __asm__ volatile("ldmxcsr %0" ::"m"(in));
        call(by_register);
        __asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(out) : "m"(standard));
        CHECK_EQ(out, in);
        if (keys) {
            uint32_t was, now, zero;
            __asm__ volatile("rdpkru" : "=a"(was), "=d"(zero) : "c"(0));
            uint32_t mine = was | (round & 3) << 30;
            __asm__ volatile("wrpkru" ::"a"(mine), "c"(0), "d"(0));
            call(by_register);
            __asm__ volatile("rdpkru" : "=a"(now), "=d"(zero) : "c"(0));
            __asm__ volatile("wrpkru" ::"a"(was), "c"(0), "d"(0));
            CHECK_EQ(now, mine);
        }
    }
    PASS();
}
