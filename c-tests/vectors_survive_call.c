// xmm, ymm, zmm and mask registers keep all their bits over calls, as wide as this
// CPU has them; and a call does not mark upper halves as in use that were not.
#include "check.h"
#include <cpuid.h>

static uint8_t in[32 * 64] __attribute__((aligned(64))), out[32 * 64] __attribute__((aligned(64)));
static uint64_t masks_in[8], masks_out[8];

#define EACH16 "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define EACH32 EACH16 ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define EACH8 "0,1,2,3,4,5,6,7"
// The middle is the call: from an immediate site or a register site, by flag.
#define CALL_BETWEEN(load, store, ...)                                     \
    __asm__ volatile(load "\n\t"                                           \
                     "test %[by_register], %[by_register]\n\t"             \
                     "jnz 1f\n\t"                                          \
                     "movl $110, %%eax\n\t"                                \
                     "syscall\n\t"                                         \
                     "jmp 2f\n"                                            \
                     "1: movl %[number], %%eax\n\t"                        \
                     "nop\n\t"                                             \
                     "syscall\n"                                           \
                     "2:\n\t" store                                        \
                     : "=&a"(result)                                       \
                     : [in] "r"(in), [out] "r"(out), [masks_in] "r"(masks_in), [masks_out] "r"(masks_out), \
                       [by_register] "r"(by_register), [number] "r"(number) \
                     : "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15" __VA_ARGS__)

static NOINLINE long with_xmm(int by_register, int number) {
    long result;
    CALL_BETWEEN(".irp i," EACH16 "\n movups \\i*16(%[in]), %%xmm\\i\n .endr",
                 ".irp i," EACH16 "\n movups %%xmm\\i, \\i*16(%[out])\n .endr");
    return result;
}

__attribute__((target("avx"))) static NOINLINE long with_ymm(int by_register, int number) {
    long result;
    CALL_BETWEEN(".irp i," EACH16 "\n vmovups \\i*32(%[in]), %%ymm\\i\n .endr",
                 ".irp i," EACH16 "\n vmovups %%ymm\\i, \\i*32(%[out])\n .endr\n vzeroupper");
    return result;
}

__attribute__((target("avx512f,avx512bw"))) static NOINLINE long with_zmm(int by_register, int number) {
    long result;
    CALL_BETWEEN(".irp i," EACH32 "\n vmovups \\i*64(%[in]), %%zmm\\i\n .endr\n"
                 ".irp i," EACH8 "\n kmovq \\i*8(%[masks_in]), %%k\\i\n .endr",
                 ".irp i," EACH32 "\n vmovups %%zmm\\i, \\i*64(%[out])\n .endr\n"
                 ".irp i," EACH8 "\n kmovq %%k\\i, \\i*8(%[masks_out])\n .endr\n"
                 ".irp i,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n vpxorq %%zmm\\i, %%zmm\\i, %%zmm\\i\n .endr\n"
                 "vzeroall",
                 , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26",
                 "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7");
    return result;
}

static void fill(unsigned seed) {
    for (unsigned i = 0; i < sizeof in; i++) in[i] = (uint8_t)((seed + i) * 2654435761u >> 13);
    for (int i = 0; i < 8; i++) masks_in[i] = 0x0123456789abcdefu * (seed + i + 1);
    memset(out, 0, sizeof out);
    memset(masks_out, 0, sizeof masks_out);
}

static uint64_t in_use(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    return low;
}

int main(void) {
    static const int numbers[] = {SYS_getppid, SYS_getuid, 600, SYS_rt_sigpending, SYS_sched_yield};
    int avx = __builtin_cpu_supports("avx");
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    for (unsigned round = 0; round < 5000; round++) {
        int by_register = round & 1, number = numbers[round % 5];
        fill(round);
        with_xmm(by_register, number);
        CHECK_EQ(memcmp(in, out, 16 * 16), 0);
        if (avx) {
            with_ymm(by_register, number);
            CHECK_EQ(memcmp(in, out, 16 * 32), 0);
        }
        if (avx512) {
            with_zmm(by_register, number);
            CHECK_EQ(memcmp(in, out, 32 * 64), 0);
            CHECK_EQ(memcmp(masks_in, masks_out, sizeof masks_in), 0);
        }
    }
    unsigned a, b, c, d;
    if (avx512 && __get_cpuid_count(0xd, 1, &a, &b, &c, &d) && (a & 4)) {
        // Component 6 is the upper halves of zmm0-15, 7 is zmm16-31. Reads of them clear what libc left.
        for (int round = 0; round < 1000; round++) {
            __asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                             "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
            uint64_t before = in_use() & 0xc0;
            raw0(SYS_getppid);
            raw0(600);
            uint64_t after = in_use() & 0xc0;
            CHECK_EQ(after & ~before, 0);
        }
    }
    PASS();
}
