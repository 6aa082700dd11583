// Shows that a new image starts with all registers as the kernel gives them: zero, plain flags, the
// x87 and vector state as after a reset, whatever they were before exec; and on an aligned stack.
// (The base of GS is left out: the library uses it.)
// form bare: -static -no-pie -nostdlib -fno-stack-protector
// form bare-pie: -static-pie -fPIE -nostdlib -fno-stack-protector
#include "image.h"

#ifdef IMAGE
#include "bare.h"
#include <asm/prctl.h>
#include <cpuid.h>

// Stores each register before anything else can change it.
struct {
    unsigned long rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
} found __attribute__((visibility("hidden"), used));
#define STORE(name, offset) "  mov %" #name ", " #offset "+found(%rip)\n"
__asm__(".globl _start\n"
        "_start:\n" STORE(rax, 0) STORE(rbx, 8) STORE(rcx, 16) STORE(rdx, 24) STORE(rsi, 32) STORE(rdi, 40)
            STORE(rbp, 48) STORE(rsp, 56) STORE(r8, 64) STORE(r9, 72) STORE(r10, 80) STORE(r11, 88)
                STORE(r12, 96) STORE(r13, 104) STORE(r14, 112) STORE(r15, 120)
        "  pushfq\n"
        "  pop 128+found(%rip)\n"
        "  fxsave64 state(%rip)\n"
        "  and $-16, %rsp\n"
        "  call bare_main\n"
        "  ud2\n");
unsigned char state[512] __attribute__((aligned(64), visibility("hidden"), used));
static unsigned char extended[32768] __attribute__((aligned(64)));

// All bytes of a part of the saved state, or'ed.
static unsigned sum(const unsigned char *at, size_t length) {
    unsigned all = 0;
    for (size_t n = 0; n < length; n++) all |= at[n];
    return all;
}

__attribute__((noreturn, used)) void bare_main(void) {
    bare_show("rax", found.rax), bare_show("rbx", found.rbx), bare_show("rcx", found.rcx);
    bare_show("rdx", found.rdx), bare_show("rsi", found.rsi), bare_show("rdi", found.rdi);
    bare_show("rbp", found.rbp), bare_show("r8", found.r8), bare_show("r9", found.r9);
    bare_show("r10", found.r10), bare_show("r11", found.r11), bare_show("r12", found.r12);
    bare_show("r13", found.r13), bare_show("r14", found.r14), bare_show("r15", found.r15);
    bare_show("rsp % 16", found.rsp % 16), bare_show("argc", *(unsigned long *)found.rsp);
    bare_show("flags", found.flags);
    unsigned long base = 1;
    raw2(SYS_arch_prctl, ARCH_GET_FS, &base);
    bare_show("fs base", base);
    unsigned short cs, ss, ds, es, fs, gs;
    __asm__("mov %%cs, %0\n\tmov %%ss, %1\n\tmov %%ds, %2\n\tmov %%es, %3\n\tmov %%fs, %4\n\tmov %%gs, %5"
            : "=r"(cs), "=r"(ss), "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    bare_show("cs", cs), bare_show("ss", ss), bare_show("ds", ds), bare_show("es", es), bare_show("fs", fs), bare_show("gs", gs);

    bare_show("x87 control word", state[0] | state[1] << 8);
    bare_show("x87 status word", state[2] | state[3] << 8);
    bare_show("x87 tags", state[4]);
    bare_show("mxcsr", state[24] | state[25] << 8 | state[26] << 16);
    bare_show("st0-7", sum(state + 32, 128));
    bare_show("xmm0-15", sum(state + 160, 256));

    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    if (c & bit_OSXSAVE) {
        unsigned low, high;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        __cpuid_count(13, 0, a, b, c, d);
        BARE_CHECK(b <= sizeof extended);
        __asm__ volatile("xsave64 %0" : "+m"(extended) : "a"(low), "d"(high) : "memory");
        unsigned long in_use = *(unsigned long *)(extended + 512);
        // What is not in use is zero by definition; PKRU (9) has a value of the kernel's own.
        for (int part = 2; part < 63; part++) {
            if (!((low | (unsigned long)high << 32) >> part & 1)) continue;
            __cpuid_count(13, part, a, b, c, d);
            bare_show("part of the state", part);
            unsigned all = in_use >> part & 1 ? sum(extended + b, a) : 0;
            bare_show(part == 9 ? "  pkru" : "  content", part == 9 && in_use >> 9 & 1 ? *(unsigned *)(extended + b) : all);
        }
    }
    bare_exit(0);
}
#else
// Leaves as much as possible in the registers, then executes `path`.
static void exec_with_full_registers(const char *path, char **argv, char **envp) {
    unsigned mxcsr = 0x9fc0;
    unsigned short control = 0x0f7f;
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1\n\tfld1\n\tfldpi" : : "m"(mxcsr), "m"(control));
    if (__builtin_cpu_supports("avx512f"))
        __asm__ volatile("vpternlogd $0xff, %zmm0, %zmm0, %zmm0\n\tvmovdqa64 %zmm0, %zmm7\n\tvmovdqa64 %zmm0, %zmm30\n\t"
                         "kxnorw %k1, %k1, %k1\n\tkxnorw %k7, %k7, %k7");
    else
        __asm__ volatile("pcmpeqd %xmm0, %xmm0\n\tmovdqa %xmm0, %xmm7\n\tmovdqa %xmm0, %xmm15");
    // AC and ID set, all other registers full.
    __asm__ volatile("pushfq\n\torq $0x240000, (%%rsp)\n\tpopfq\n\t"
                     "mov $-1, %%rbx\n\tmov $-1, %%r8\n\tmov $-1, %%r9\n\tmov $-1, %%r10\n\tmov $-1, %%r12\n\t"
                     "mov $-1, %%r13\n\tmov $-1, %%r14\n\tmov $-1, %%r15\n\t"
                     "mov $59, %%eax\n\tsyscall\n\tud2"
                     :
                     : "D"(path), "S"(argv), "d"(envp));
}

int main(void) {
    const char *forms[] = {"bare", "bare-pie"};
    for (int n = 0; n < 2; n++) {
        char *argv[] = {"image", "two", NULL}, *envp[] = {"A=1", NULL};
        int status;
        printf("%s\n", forms[n]);
        for (int extra = 0; extra < 2; extra++) {
            argv[2 - extra] = NULL; // argc odd and even
            const char *path = image(forms[n]);
            IN_CHILD(status, exec_with_full_registers(path, argv, envp));
            CHECK_EQ(status, 0);
        }
    }
    PASS();
}
#endif
