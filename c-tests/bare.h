// For images without a libc: the start, output and end by system calls alone.
// Compiled with -nostdlib; entry_stack is the stack pointer as the kernel left it.
#ifndef BARE_H
#define BARE_H

#include "check.h"

__attribute__((noreturn)) static MAYBE_UNUSED void bare_exit(int status) {
    raw1(SYS_exit_group, status);
    __builtin_unreachable();
}

static MAYBE_UNUSED size_t bare_length(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

static MAYBE_UNUSED int bare_same(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

static MAYBE_UNUSED void bare_say(const char *text) { raw3(SYS_write, 1, text, bare_length(text)); }

// One line: the text, a blank, the number in hexadecimal.
static MAYBE_UNUSED void bare_show(const char *text, unsigned long value) {
    char line[128];
    int n = 0, digits = 1;
    while (*text) line[n++] = *text++;
    line[n++] = ' ';
    while (digits < 16 && value >> (4 * digits)) digits++;
    while (digits-- > 0) line[n++] = "0123456789abcdef"[value >> (4 * digits) & 15];
    line[n++] = '\n';
    raw3(SYS_write, 1, line, n);
}

// CHECK without libc: says where and ends with status 1.
#define BARE_CHECK(cond)                                                    \
    do {                                                                    \
        if (!(cond)) {                                                      \
            static const char text_[] = "false: " #cond "\n";               \
            raw3(SYS_write, 2, text_, sizeof text_ - 1);                    \
            bare_exit(1);                                                   \
        }                                                                   \
    } while (0)

// The program's start: bare_main(stack), stack pointing to argc.
#define BARE_START                                 \
    __asm__(".globl _start\n"                      \
            "_start:\n"                            \
            "  xor %ebp, %ebp\n"                   \
            "  mov %rsp, %rdi\n"                   \
            "  and $-16, %rsp\n"                   \
            "  call bare_main\n"                   \
            "  ud2\n");                            \
    __attribute__((noreturn, used)) void bare_main(unsigned long *stack);

#endif
