// New processes and threads by their bare system calls, on whatever stack.
#ifndef CLONE_H
#define CLONE_H

#include "code.h"
#include <linux/sched.h>

// clone(flags, stack, parent_tid, child_tid, tls); the child runs function(argument) and ends,
// by exit, with its result. The child finds both in rbx and rbp, nothing on its stack.
long raw_clone(long flags, void *stack, void *parent_tid, void *child_tid, void *tls, int (*function)(void *), void *argument);
// clone3(arguments, size), the same way.
long raw_clone3(void *arguments, size_t size, int (*function)(void *), void *argument);
__asm__(".text\n"
        ".type raw_clone,@function\n.local raw_clone\n"
        "raw_clone:\n  .cfi_startproc\n"
        "  push %rbx\n  push %rbp\n"
        "  .cfi_adjust_cfa_offset 16\n"
        "  mov %r9,%rbx\n  mov 24(%rsp),%rbp\n"
        "  mov %rcx,%r10\n"
        "  mov $56,%eax\n  syscall\n"
        "  test %rax,%rax\n  jz raw_clone_child\n"
        "  pop %rbp\n  pop %rbx\n"
        "  .cfi_adjust_cfa_offset -16\n"
        "  ret\n"
        "  .cfi_endproc\n.size raw_clone,.-raw_clone\n"
        ".type raw_clone3,@function\n.local raw_clone3\n"
        "raw_clone3:\n  .cfi_startproc\n"
        "  push %rbx\n  push %rbp\n"
        "  .cfi_adjust_cfa_offset 16\n"
        "  mov %rdx,%rbx\n  mov %rcx,%rbp\n"
        "  mov $435,%eax\n  syscall\n"
        "  test %rax,%rax\n  jz raw_clone_child\n"
        "  pop %rbp\n  pop %rbx\n"
        "  .cfi_adjust_cfa_offset -16\n"
        "  ret\n"
        "  .cfi_endproc\n.size raw_clone3,.-raw_clone3\n"
        ".type raw_clone_child,@function\n.local raw_clone_child\n"
        "raw_clone_child:\n  .cfi_startproc\n  .cfi_undefined rip\n"
        "  and $-16,%rsp\n"
        "  mov %rbp,%rdi\n  call *%rbx\n"
        "  mov %eax,%edi\n  mov $60,%eax\n  syscall\n  hlt\n"
        "  .cfi_endproc\n.size raw_clone_child,.-raw_clone_child\n");

// call_with for code that makes a child: the parent's registers go to `out`, the child's to
// `child`, and the child ends with status 0 by exit without a further use of its stack.
void fork_with(const void *code, const struct regs *in, struct regs *out, struct regs *child);
// Where that code returns to; and what must follow that address on a stack of the child's own.
extern const char fork_with_return[];
__asm__(".text\n"
        ".type fork_with,@function\n.local fork_with\n"
        "fork_with:\n  .cfi_startproc\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  .cfi_adjust_cfa_offset 48\n"
        "  push %rdx\n  push %rdi\n  push %rcx\n"
        "  .cfi_adjust_cfa_offset 24\n"
        "  pushq 120(%rsi)\n  popfq\n"
        ".altmacro\n"
        ".macro xmm_in n\n  movups 128+16*\\n(%rsi), %xmm\\n\n.endm\n"
        ".macro xmm_out n\n  movups %xmm\\n, 128+16*\\n(%rcx)\n.endm\n"
        ".set i,0\n.rept 16\n  xmm_in %i\n.set i,i+1\n.endr\n"
        "  mov 0(%rsi),%rax\n  mov 8(%rsi),%rbx\n  mov 16(%rsi),%rcx\n  mov 24(%rsi),%rdx\n"
        "  mov 40(%rsi),%rdi\n  mov 48(%rsi),%rbp\n  mov 56(%rsi),%r8\n  mov 64(%rsi),%r9\n"
        "  mov 72(%rsi),%r10\n  mov 80(%rsi),%r11\n  mov 88(%rsi),%r12\n  mov 96(%rsi),%r13\n"
        "  mov 104(%rsi),%r14\n  mov 112(%rsi),%r15\n  mov 32(%rsi),%rsi\n"
        "  call *8(%rsp)\n"
        "fork_with_return:\n"
        "  lea -256(%rsp),%rsp\n" // a vfork's child writes below what its parent needs
        "  push %rcx\n  pushfq\n"
        "  mov 272(%rsp),%rcx\n" // the child's
        "  test %rax,%rax\n  jz 1f\n"
        "  mov 288(%rsp),%rcx\n"
        "1: mov %rax,0(%rcx)\n"
        "  mov %rbx,8(%rcx)\n  mov %rdx,24(%rcx)\n  mov %rsi,32(%rcx)\n"
        "  mov %rdi,40(%rcx)\n  mov %rbp,48(%rcx)\n  mov %r8,56(%rcx)\n  mov %r9,64(%rcx)\n"
        "  mov %r10,72(%rcx)\n  mov %r11,80(%rcx)\n  mov %r12,88(%rcx)\n  mov %r13,96(%rcx)\n"
        "  mov %r14,104(%rcx)\n  mov %r15,112(%rcx)\n"
        "  popq 120(%rcx)\n  popq 16(%rcx)\n"
        ".set i,0\n.rept 16\n  xmm_out %i\n.set i,i+1\n.endr\n"
        ".noaltmacro\n.purgem xmm_in\n.purgem xmm_out\n"
        "  test %rax,%rax\n  jnz 2f\n"
        "  xor %edi,%edi\n  mov $60,%eax\n  syscall\n  hlt\n"
        "2: add $280,%rsp\n"
        "  .cfi_adjust_cfa_offset -24\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  .cfi_adjust_cfa_offset -48\n"
        "  ret\n"
        "  .cfi_endproc\n.size fork_with,.-fork_with\n");

// Keeps both from being unused in a test that needs one.
static MAYBE_UNUSED void *const clone_h_uses[] = {(void *)raw_clone, (void *)raw_clone3, (void *)fork_with};

static MAYBE_UNUSED void *shared_memory(size_t size) {
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

#endif
