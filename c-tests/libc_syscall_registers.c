// cflags: -ldl
// libc's syscall() leaves the same registers behind as natively: its six arguments
// where it put them, callee-saved ones kept, rcx just behind its own syscall instruction.
#include "check.h"
#include <dlfcn.h>

int main(void) {
    void *function = dlsym(RTLD_DEFAULT, "syscall");
    CHECK(function != NULL);
    for (int round = 0; round < 5; round++) {
        uint64_t out[14];
        register uint64_t *where __asm__("rbx") = out;
        register void *target __asm__("r12") = function;
        long rdi = 600, rsi = 0x1111, rdx = 0x2222, rcx = 0x3333;
        register long r8 __asm__("r8") = 0x4444;
        register long r9 __asm__("r9") = 0x5555;
        // rsp is moved below the red zone, kept aligned; the sixth argument goes on the stack.
        __asm__ volatile("mov %%rsp, %%r13\n\t"
                         "sub $512, %%rsp\n\t"
                         "and $-64, %%rsp\n\t"
                         "sub $8, %%rsp\n\t"
                         "pushq $0x6666\n\t"
                         "mov $0x7777, %%r14d\n\t"
                         "mov $0x8888, %%r15d\n\t"
                         "mov $0xaaaa, %%r10d\n\t"
                         "call *%%r12\n\t"
                         "mov %%rax, 0(%%rbx)\n\t"
                         "mov %%rdi, 8(%%rbx)\n\t"
                         "mov %%rsi, 16(%%rbx)\n\t"
                         "mov %%rdx, 24(%%rbx)\n\t"
                         "mov %%r10, 32(%%rbx)\n\t"
                         "mov %%r8, 40(%%rbx)\n\t"
                         "mov %%r9, 48(%%rbx)\n\t"
                         "mov %%r14, 56(%%rbx)\n\t"
                         "mov %%r15, 64(%%rbx)\n\t"
                         "mov %%rcx, 72(%%rbx)\n\t"
                         "popq 80(%%rbx)\n\t"
                         "mov %%r13, %%rsp"
                         : "+D"(rdi), "+S"(rsi), "+d"(rdx), "+c"(rcx), "+r"(r8), "+r"(r9), "+r"(target)
                         : "r"(where)
                         : "rax", "r10", "r11", "r13", "r14", "r15", "memory", "cc");
        CHECK_EQ(out[0], -1);
        CHECK_EQ(errno, ENOSYS);
        for (int i = 1; i < 9; i++) printf("%#lx ", out[i]);
        printf("%#lx\n", out[10]);
        // The error path sets errno through %rcx, so only a success shows the return address.
        rdi = SYS_getuid;
        __asm__ volatile("mov %%rsp, %%r13\n\t"
                         "sub $512, %%rsp\n\t"
                         "and $-64, %%rsp\n\t"
                         "call *%%r12\n\t"
                         "mov %%r13, %%rsp"
                         : "+D"(rdi), "+S"(rsi), "+d"(rdx), "+c"(rcx), "+r"(r8), "+r"(r9), "+r"(target)
                         : "r"(where)
                         : "rax", "r10", "r11", "r13", "r14", "r15", "memory", "cc");
        CHECK(rcx > (long)function && rcx < (long)function + 64);
        printf("rcx at syscall+%ld\n", rcx - (long)function);
    }
    PASS();
}
