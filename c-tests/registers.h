// Calls made with every integer register and the flags set by the test, and read back right after.
#ifndef REGISTERS_H
#define REGISTERS_H
#include "check.h"

// In the order of these names, rax first; rsp is an ordinary member.
enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, FLAGS, WORDS };
extern uint64_t regs_in[WORDS] __attribute__((aligned(64)));
extern uint64_t regs_out[WORDS] __attribute__((aligned(64)));

// Both load regs_in, make the call and store regs_out; the number is regs_in[RAX], except that
// the immediate site always makes call 110 (getppid).
void call_immediate(void);
void call_register(void);
extern char call_immediate_after[], call_register_after[];

__asm__(".pushsection .bss\n"
        ".balign 64\n"
        ".globl regs_in, regs_out\n"
        "regs_in: .zero 192\n"
        "regs_out: .zero 192\n"
        "regs_stack: .zero 8\n"
        ".popsection\n"
        ".text\n"
        ".macro CALL_WITH_REGISTERS name, instruction:vararg\n"
        ".globl \\name, \\name\\()_after\n"
        ".type \\name,@function\n"
        "\\name:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  mov %rsp, regs_stack(%rip)\n"
        "  pushq regs_in+128(%rip)\n"
        "  mov regs_in+8(%rip), %rbx\n"
        "  mov regs_in+16(%rip), %rcx\n"
        "  mov regs_in+24(%rip), %rdx\n"
        "  mov regs_in+32(%rip), %rsi\n"
        "  mov regs_in+40(%rip), %rdi\n"
        "  mov regs_in+48(%rip), %rbp\n"
        "  mov regs_in+64(%rip), %r8\n"
        "  mov regs_in+72(%rip), %r9\n"
        "  mov regs_in+80(%rip), %r10\n"
        "  mov regs_in+88(%rip), %r11\n"
        "  mov regs_in+96(%rip), %r12\n"
        "  mov regs_in+104(%rip), %r13\n"
        "  mov regs_in+112(%rip), %r14\n"
        "  mov regs_in+120(%rip), %r15\n"
        "  mov regs_in(%rip), %rax\n"
        "  popfq\n"
        "  mov regs_in+56(%rip), %rsp\n"
        "  \\instruction\n"
        "  syscall\n"
        "\\name\\()_after:\n"
        "  mov %rsp, regs_out+56(%rip)\n"
        "  mov regs_stack(%rip), %rsp\n"
        "  pushfq\n"
        "  mov %rax, regs_out(%rip)\n"
        "  mov %rbx, regs_out+8(%rip)\n"
        "  mov %rcx, regs_out+16(%rip)\n"
        "  mov %rdx, regs_out+24(%rip)\n"
        "  mov %rsi, regs_out+32(%rip)\n"
        "  mov %rdi, regs_out+40(%rip)\n"
        "  mov %rbp, regs_out+48(%rip)\n"
        "  mov %r8, regs_out+64(%rip)\n"
        "  mov %r9, regs_out+72(%rip)\n"
        "  mov %r10, regs_out+80(%rip)\n"
        "  mov %r11, regs_out+88(%rip)\n"
        "  mov %r12, regs_out+96(%rip)\n"
        "  mov %r13, regs_out+104(%rip)\n"
        "  mov %r14, regs_out+112(%rip)\n"
        "  mov %r15, regs_out+120(%rip)\n"
        "  popq regs_out+128(%rip)\n"
        "  pushq $0x202\n"
        "  popfq\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n"
        ".size \\name, .-\\name\n"
        ".endm\n"
        "CALL_WITH_REGISTERS call_immediate, movl $110, %eax\n"
        "CALL_WITH_REGISTERS call_register, nop\n");

// Sets every register to a pattern of its own; rsp to a valid stack, flags to 0x202.
static MAYBE_UNUSED void set_patterns(uint64_t seed) {
    static char stack[4096] __attribute__((aligned(64)));
    for (int i = 0; i < FLAGS; i++) regs_in[i] = seed * 0x9e3779b97f4a7c15u + (uint64_t)(i + 1) * 0x0101010101010101u;
    regs_in[RSP] = (uint64_t)stack + 2048;
    regs_in[FLAGS] = 0x202;
}

// Everything but rax, rcx and r11 as it was; rcx and r11 as `syscall` leaves them.
static MAYBE_UNUSED void check_registers(const char *after, int line) {
    for (int i = 0; i < FLAGS; i++) {
        if (i == RAX || i == RCX || i == R11) continue;
        if (regs_out[i] != regs_in[i]) {
            fprintf(stderr, "register %d, checked at line %d\n", i, line);
            CHECK_EQ(regs_out[i], regs_in[i]);
        }
    }
    CHECK_EQ(regs_out[RCX], after);
    CHECK_EQ(regs_out[FLAGS], regs_in[FLAGS]);
    CHECK_EQ(regs_out[R11], regs_in[FLAGS]);
}
#endif
