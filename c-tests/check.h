// The shared parts of every test: checks that print where they failed, system
// calls made by their own instructions, and executable code built at run time.
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAYBE_UNUSED __attribute__((unused))
#define NOINLINE __attribute__((noinline))

// Prints one line to stderr by write alone (usable in handlers) and ends with status 1.
__attribute__((noreturn)) static MAYBE_UNUSED void check_failed(const char *file, int line, const char *what,
                                                                long long got, long long want, int with_values,
                                                                int saved_errno) {
    char text[512];
    int n;
    if (with_values)
        n = snprintf(text, sizeof text, "%s:%d: %s: got %lld (0x%llx), want %lld (0x%llx), errno %d\n", file, line,
                     what, got, (unsigned long long)got, want, (unsigned long long)want, saved_errno);
    else
        n = snprintf(text, sizeof text, "%s:%d: %s: false, errno %d\n", file, line, what, saved_errno);
    if (n > (int)sizeof text - 1) n = sizeof text - 1;
    if (write(2, text, n) < 0) _exit(1);
    _exit(1);
}

// CHECK(condition): the condition holds.
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond)) check_failed(__FILE__, __LINE__, #cond, 0, 0, 0, errno);  \
    } while (0)

// CHECK_EQ(got, want): two integers are equal; both are shown when not.
#define CHECK_EQ(got, want)                                                                         \
    do {                                                                                            \
        long long got_ = (long long)(got), want_ = (long long)(want);                               \
        if (got_ != want_) check_failed(__FILE__, __LINE__, #got " == " #want, got_, want_, 1, errno); \
    } while (0)

// CHECK_ERR(call, ERRNO): the libc call returns -1 with that errno.
#define CHECK_ERR(call, want)                                                                        \
    do {                                                                                             \
        errno = 0;                                                                                   \
        long long result_ = (long long)(call);                                                       \
        int error_ = errno;                                                                          \
        if (result_ != -1) check_failed(__FILE__, __LINE__, #call " fails", result_, -1, 1, error_); \
        if (error_ != (want)) check_failed(__FILE__, __LINE__, #call " sets " #want, error_, (want), 1, error_); \
    } while (0)

// SKIP(reason): this machine cannot show it; status 77.
#define SKIP(reason)                        \
    do {                                    \
        printf("skipped: %s\n", (reason));  \
        fflush(stdout);                     \
        _exit(77);                          \
    } while (0)

// PASS(): the last statement of main; the output is compared with the native run's.
#define PASS()            \
    do {                  \
        puts("ok");       \
        fflush(stdout);   \
        exit(0);          \
    } while (0)

// raw0(SYS_x) .. raw6(SYS_x, a, b, c, d, e, f): `mov $imm,%eax; syscall`, adjacent,
// the number a constant. Every use is a site of its own (they are expanded where they stand).
// The result is the kernel's: -4095..-1 for errors, errno is not touched.
#define RAW_ASM(nr, ...)                                        \
    __asm__ volatile("movl %[n], %%eax\n\tsyscall"              \
                     : "=&a"(ret_)                              \
                     : [n] "i"((int)(nr)), ##__VA_ARGS__        \
                     : "rcx", "r11", "memory")
#define raw0(nr) __extension__({ long ret_; RAW_ASM(nr); ret_; })
#define raw1(nr, a) __extension__({ long ret_, a_ = (long)(a); RAW_ASM(nr, "D"(a_)); ret_; })
#define raw2(nr, a, b) \
    __extension__({ long ret_, a_ = (long)(a), b_ = (long)(b); RAW_ASM(nr, "D"(a_), "S"(b_)); ret_; })
#define raw3(nr, a, b, c)                                         \
    __extension__({                                               \
        long ret_, a_ = (long)(a), b_ = (long)(b), c_ = (long)(c); \
        RAW_ASM(nr, "D"(a_), "S"(b_), "d"(c_));                   \
        ret_;                                                     \
    })
#define raw4(nr, a, b, c, d)                                      \
    __extension__({                                               \
        long ret_, a_ = (long)(a), b_ = (long)(b), c_ = (long)(c); \
        register long d_ __asm__("r10") = (long)(d);              \
        RAW_ASM(nr, "D"(a_), "S"(b_), "d"(c_), "r"(d_));          \
        ret_;                                                     \
    })
#define raw5(nr, a, b, c, d, e)                                   \
    __extension__({                                               \
        long ret_, a_ = (long)(a), b_ = (long)(b), c_ = (long)(c); \
        long d0_ = (long)(d), e0_ = (long)(e);                    \
        register long d_ __asm__("r10") = d0_;                    \
        register long e_ __asm__("r8") = e0_;                     \
        RAW_ASM(nr, "D"(a_), "S"(b_), "d"(c_), "r"(d_), "r"(e_)); \
        ret_;                                                     \
    })
#define raw6(nr, a, b, c, d, e, f)                                         \
    __extension__({                                                        \
        long ret_, a_ = (long)(a), b_ = (long)(b), c_ = (long)(c);          \
        long d0_ = (long)(d), e0_ = (long)(e), f0_ = (long)(f);            \
        register long d_ __asm__("r10") = d0_;                             \
        register long e_ __asm__("r8") = e0_;                              \
        register long f_ __asm__("r9") = f0_;                              \
        RAW_ASM(nr, "D"(a_), "S"(b_), "d"(c_), "r"(d_), "r"(e_), "r"(f_)); \
        ret_;                                                              \
    })

// rawreg(number, six arguments): the number comes in rax from anywhere, all 64 bits of it;
// one site for the whole program, not preceded by an immediate.
long rawreg(long nr, long a, long b, long c, long d, long e, long f);
extern char rawreg_site[], rawreg_after[];
__asm__(".text\n"
        ".local rawreg\n"
        ".type rawreg,@function\n"
        "rawreg:\n"
        "  .cfi_startproc\n"
        "  mov %rdi, %rax\n"
        "  mov %rsi, %rdi\n"
        "  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n"
        "  mov %r8, %r10\n"
        "  mov %r9, %r8\n"
        "  mov 8(%rsp), %r9\n"
        "rawreg_site:\n"
        "  syscall\n"
        "rawreg_after:\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size rawreg, .-rawreg\n");

// Fresh memory with `bytes` copied in, made `prot` (PROT_READ | PROT_EXEC as a rule).
static MAYBE_UNUSED void *make_code(const void *bytes, size_t length, int prot) {
    size_t size = (length + 4095) & ~4095ul;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    memcpy(at, bytes, length);
    CHECK_EQ(mprotect(at, size, prot), 0);
    return at;
}

// Writes `mov $nr,%eax; syscall; ret` at `at` (8 bytes).
static MAYBE_UNUSED void emit_call(void *at, int nr) {
    unsigned char code[8] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
    memcpy(code + 1, &nr, 4);
    memcpy(at, code, sizeof code);
}

// The system calls as functions of such code: long result = ((call_fn)at)(a, b, c).
typedef long (*call_fn)(long, long, long);

// write(2) of a literal, whole, without stdio.
#define SAY(literal) CHECK_EQ(write(1, (literal), sizeof(literal) - 1), (long)sizeof(literal) - 1)

// Runs `body` in a forked child and gives back the wait status.
#define IN_CHILD(status, ...)                              \
    do {                                                   \
        fflush(stdout);                                    \
        pid_t child_ = fork();                             \
        CHECK(child_ >= 0);                                \
        if (child_ == 0) {                                 \
            __VA_ARGS__;                                   \
            _exit(0);                                      \
        }                                                  \
        pid_t ended_;                                      \
        do                                                 \
            ended_ = waitpid(child_, &(status), 0);        \
        while (ended_ < 0 && errno == EINTR);              \
        CHECK_EQ(ended_, child_);                          \
    } while (0)

// True when this very image runs under the library, however it was started: GS points to the
// thread's area. Natively the GS base of a 64-bit program is 0.
static MAYBE_UNUSED int interposed(void) {
    unsigned long base;
    if (!(getauxval(AT_HWCAP2) & 2)) SKIP("no rdgsbase to tell by"); // HWCAP2_FSGSBASE
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base != 0;
}

// The same, for the few answers that differ.
static MAYBE_UNUSED int under_library(void) { return interposed(); }

// The pages of the running system are 4096 bytes on x86-64.
enum { PAGE = 4096 };

#endif
