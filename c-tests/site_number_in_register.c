// Shows that sites whose number comes in a register (libc's syscall(), Go's, a JIT's) are
// served, with every number through one site, and followed by all kinds of instructions.
// also: load vetted
#include "code.h"

// Like libc's syscall(): moves, then the bare instruction, then a comparison of six bytes.
long number_then_compare(long nr, long a);
// Followed by `ret` and padding to the next function.
long number_then_padding(long nr, long a);
// No padding near it and short instructions around: may only trap.
long number_without_room(long nr, long a);
__asm__(".text\n"
        ".p2align 4\n"
        ".type number_then_compare,@function\n"
        "number_then_compare:\n  .cfi_startproc\n"
        "  mov %rdi,%rax\n  mov %rsi,%rdi\n  syscall\n"
        "  cmp $-4095,%rax\n  jae 1f\n  ret\n1: neg %rax\n  neg %rax\n  ret\n"
        "  .cfi_endproc\n.size number_then_compare,.-number_then_compare\n"
        ".p2align 4\n"
        ".type number_then_padding,@function\n"
        "number_then_padding:\n  .cfi_startproc\n"
        "  mov %edi,%eax\n  mov %rsi,%rdi\n  syscall\n  ret\n"
        "  .cfi_endproc\n.size number_then_padding,.-number_then_padding\n"
        ".p2align 5\n"
        ".type number_without_room,@function\n"
        "number_without_room:\n  .cfi_startproc\n"
        ".rept 90\n  push %rbx\n  pop %rbx\n.endr\n"
        "  mov %rdi,%rax\n  mov %rsi,%rdi\n  syscall\n"
        ".rept 90\n  push %rbx\n  pop %rbx\n.endr\n"
        "  ret\n"
        "  .cfi_endproc\n.size number_without_room,.-number_without_room\n");

static void through(long (*call)(long, long)) {
    long pid = raw0(SYS_getpid), ppid = raw0(SYS_getppid), tid = raw0(SYS_gettid);
    for (int i = 0; i < 2000; i++) {
        CHECK_EQ(call(SYS_getpid, 0), pid);
        CHECK_EQ(call(SYS_getppid, 0), ppid);
        CHECK_EQ(call(SYS_gettid, 0), tid);
        CHECK_EQ(call(SYS_close, -1), -EBADF);
        CHECK_EQ(call(500000, 0), -ENOSYS);
        CHECK_EQ(call(-1, 0), -ENOSYS);
    }
    // All registers through it.
    struct regs in, out;
    for (uint64_t i = 0; i < 200; i++) {
        pattern_regs(&in, i);
        in.rdi = SYS_getuid;
        call_with((void *)call, &in, &out);
        CHECK_EQ(out.rax, raw0(SYS_getuid));
        CHECK_EQ(out.rbx, in.rbx);
        CHECK_EQ(out.rbp, in.rbp);
        CHECK_EQ(out.rsi, in.rsi);
        CHECK_EQ(out.rdx, in.rdx);
        CHECK_EQ(out.r8, in.r8);
        CHECK_EQ(out.r9, in.r9);
        CHECK_EQ(out.r10, in.r10);
        CHECK_EQ(out.r12, in.r12);
        CHECK_EQ(out.r15, in.r15);
        CHECK(!memcmp(out.xmm, in.xmm, sizeof in.xmm));
    }
}

int main(void) {
    through(number_then_compare);
    through(number_then_padding);
    through(number_without_room);
    long pid = raw0(SYS_getpid);
    for (int i = 0; i < 2000; i++) {
        CHECK_EQ(syscall(SYS_getpid), pid);
        CHECK_EQ(syscall(SYS_getppid), raw0(SYS_getppid));
        CHECK_ERR(syscall(SYS_close, -1), EBADF);
        CHECK_EQ(rawreg(SYS_getpid, 0, 0, 0, 0, 0, 0), pid);
    }
    // rcx after it is the address after the instruction, whatever stands there now.
    unsigned char page[PAGE];
    fill_code(page, PAGE);
    memcpy(page + 800, "\x90\x90\x48\x89\xf8\x48\x89\xf7\x0f\x05\xc3", 11);
    unsigned char *text = map_code(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    struct regs in, out;
    for (uint64_t i = 0; i < 2000; i++) {
        pattern_regs(&in, i);
        in.rdi = SYS_getpid;
        call_with(text + 800, &in, &out);
        in.rdi = in.rsi;
        CHECK_EQ(out.rax, pid);
        check_regs(&in, &out, text + 810);
    }
    PASS();
}
