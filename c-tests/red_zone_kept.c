// cflags: -mno-red-zone
// The 128 bytes below rsp, which a leaf function may use, are kept over thousands
// of calls, from cold and warm sites. (Built so that the compiler itself keeps nothing there.)
#include "check.h"

// Fills rsp-128..rsp-1 with 16 values, makes a call, and gives the number of values that changed.
// %[code] is the instruction sequence of the call.
#define RED_ZONE_CALL(code)                                                        \
    __extension__({                                                                \
        long changed_;                                                             \
        __asm__ volatile("mov %[seed], %%rbx\n\t"                                  \
                         ".set offset, -128\n\t"                                   \
                         ".rept 16\n\t"                                            \
                         "mov %%rbx, offset(%%rsp)\n\t"                            \
                         "add $0x1357, %%rbx\n\t"                                  \
                         ".set offset, offset + 8\n\t"                             \
                         ".endr\n\t" code "\n\t"                                   \
                         "xor %%r8d, %%r8d\n\t"                                    \
                         "mov %[seed], %%rbx\n\t"                                  \
                         ".set offset, -128\n\t"                                   \
                         ".rept 16\n\t"                                            \
                         "cmp %%rbx, offset(%%rsp)\n\t"                            \
                         "setne %%al\n\t"                                          \
                         "movzbl %%al, %%eax\n\t"                                  \
                         "add %%rax, %%r8\n\t"                                     \
                         "add $0x1357, %%rbx\n\t"                                  \
                         ".set offset, offset + 8\n\t"                             \
                         ".endr\n\t"                                               \
                         "mov %%r8, %[changed]"                                    \
                         : [changed] "=r"(changed_)                                \
                         : [seed] "r"(seed), [number] "r"(number)                  \
                         : "rax", "rbx", "rcx", "r8", "r11", "memory", "cc");      \
        changed_;                                                                  \
    })

static NOINLINE long immediate(long seed) {
    long number = 0;
    return RED_ZONE_CALL("movl $110, %%eax\n\t syscall");
}
static NOINLINE long by_register(long seed, long number) {
    return RED_ZONE_CALL("mov %[number], %%rax\n\t syscall");
}

int main(void) {
    for (long i = 0; i < 20000; i++) {
        CHECK_EQ(immediate(i * 0x123456789), 0);
        CHECK_EQ(by_register(i * 0x987654321, i % 3 ? SYS_getppid : 600), 0);
    }
    PASS();
}
