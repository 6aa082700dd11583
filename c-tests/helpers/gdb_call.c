// A program whose main calls outer, which calls makes_call, which makes one system call: getpid or fork,
// or getpid where the jump to the trampoline lies over two instructions ("span").
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GETPID, FORK, SPAN };

// Callee-saved registers have values of their own, so that it is seen whether an unwinder finds them.
__attribute__((noinline)) static long makes_call(int kind) {
    long result;
    __asm__ volatile("push %%rbx; .cfi_adjust_cfa_offset 8; .cfi_rel_offset rbx, 0\n\t"
                     "push %%rbp; .cfi_adjust_cfa_offset 8; .cfi_rel_offset rbp, 0\n\t"
                     "mov $0x1111, %%ebx; mov $0x2222, %%ebp; mov $0x3333, %%r12d\n\t"
                     "mov $0x4444, %%r13d; mov $0x5555, %%r14d; mov $0x6666, %%r15d\n\t"
                     "cmp $1, %[kind]; je 1f; ja 3f\n\t"
                     ".globl getpid_begin, getpid_end, fork_begin, fork_end, span_begin, span_end\n"
                     "getpid_begin: mov $39, %%eax; syscall\n"
                     "getpid_end: jmp 2f\n"
                     "fork_begin: 1: mov $57, %%eax; syscall\n"
                     "fork_end: jmp 2f\n"
                     "span_begin: 3: mov $39, %%eax; mov %%r8, %%r10; mov %%r9, %%rdx; syscall\n"
                     "span_end: 2:\n\t"
                     "pop %%rbp; .cfi_adjust_cfa_offset -8; .cfi_restore rbp\n\t"
                     "pop %%rbx; .cfi_adjust_cfa_offset -8; .cfi_restore rbx"
                     : "=&a"(result)
                     : [kind] "D"(kind)
                     : "rcx", "rdx", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
    return result;
}

__attribute__((noinline)) static long outer(int kind) {
    long result = makes_call(kind);
    __asm__ volatile("");
    if (kind == FORK && result == 0) _exit(0);
    if (kind == FORK) wait(NULL);
    return result + 1;
}

__attribute__((noinline)) static void warm(void) { __asm__ volatile(""); }

int main(int argc, char **argv) {
    int kind = argc > 1 && strcmp(argv[1], "fork") == 0   ? FORK
               : argc > 1 && strcmp(argv[1], "span") == 0 ? SPAN
                                                          : GETPID;
    for (int i = 0; i < 3; i++) outer(kind);
    warm();
    return outer(kind) > 0 ? 0 : 1;
}
