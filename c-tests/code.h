// Code for the tests that make their own: raw code in private file mappings (ordinary
// program text to the library), calls with every register set, and the mode we run in.
#ifndef CODE_H
#define CODE_H

#include "check.h"
#include <sched.h>
#include <stdatomic.h>

// True when sites in ordinary text are expected to be rewritten.
static MAYBE_UNUSED int rewriting(void) {
    const char *rewrite = getenv("USERTRAP_REWRITE"), *mode = getenv("C_TESTS_MODE");
    return under_library() && !(rewrite && !strcmp(rewrite, "off")) && !(mode && strstr(mode, "trap"));
}

// True when the seven bytes at `site` are `jmp *slot` of either table:
// ff 24 25 lo hi 0f 05 (preferred) or ff 24 25 lo hi 06 NN (fallback).
static MAYBE_UNUSED int is_rewritten(const unsigned char *site) {
    if (site[0] != 0xff || site[1] != 0x24 || site[2] != 0x25) return 0;
    return (site[5] == 0x0f && site[6] == 0x05) || site[5] == 0x06;
}

// True when the seven bytes at `site` are `mov $nr,%eax; syscall`.
static MAYBE_UNUSED int is_original(const unsigned char *site, int nr) {
    return site[0] == 0xb8 && !memcmp(site + 1, &nr, 4) && site[5] == 0x0f && site[6] == 0x05;
}

// Calls code that takes nothing, or one argument.
#define CALL(code) (((long (*)(void))(code))())
#define CALL1(code, a) (((long (*)(long))(code))((long)(a)))

// The bytes at a site that was called often, in whatever mode we run.
#define CHECK_SITE(site, nr)                           \
    do {                                               \
        if (rewriting()) CHECK(is_rewritten(site));    \
        else CHECK(is_original(site, nr));             \
    } while (0)

// A temporary file with `bytes`; its name is gone already.
static MAYBE_UNUSED int code_fd(const void *bytes, size_t length) {
    const char *dir = getenv("TMPDIR");
    char path[256];
    snprintf(path, sizeof path, "%s/usertrap-code-XXXXXX", dir ? dir : "/tmp");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(unlink(path), 0);
    for (size_t done = 0; done < length;) {
        ssize_t n = write(fd, (const char *)bytes + done, length - done);
        CHECK(n > 0);
        done += (size_t)n;
    }
    return fd;
}

// That file mapped: ordinary text with MAP_PRIVATE and PROT_READ | PROT_EXEC.
static MAYBE_UNUSED unsigned char *map_code(const void *bytes, size_t length, int prot, int flags) {
    int fd = code_fd(bytes, length);
    void *at = mmap(NULL, length, prot, flags, fd, 0);
    CHECK(at != MAP_FAILED);
    CHECK_EQ(close(fd), 0);
    return at;
}

// Fills with instructions that any sweep soon agrees on: push %rbp; mov %rsp,%rbp; pop %rbp; nop.
static MAYBE_UNUSED void fill_code(unsigned char *at, size_t length) {
    static const unsigned char filler[6] = {0x55, 0x48, 0x89, 0xe5, 0x5d, 0x90};
    for (size_t i = 0; i < length; i++) at[i] = filler[i % sizeof filler];
}

// Writes the call at `site`, with nops before it back to `from`.
static MAYBE_UNUSED void put_call(unsigned char *from, unsigned char *site, int nr) {
    unsigned char *nops = site - from > 16 ? site - 16 : from;
    memset(nops, 0x90, (size_t)(site - nops));
    emit_call(site, nr);
}

// Every register that a program can see around a call.
struct regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rflags;
    unsigned char xmm[16][16];
};

// Calls `code` with the registers of `in` and stores those that it leaves in `out`.
void call_with(const void *code, const struct regs *in, struct regs *out);
__asm__(".text\n"
        ".local call_with\n"
        ".type call_with,@function\n"
        "call_with:\n"
        "  .cfi_startproc\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  .cfi_adjust_cfa_offset 48\n"
        "  push %rdx\n  push %rdi\n"
        "  .cfi_adjust_cfa_offset 16\n"
        "  pushq 120(%rsi)\n  popfq\n"
        ".altmacro\n"
        ".macro xmm_in n\n  movups 128+16*\\n(%rsi), %xmm\\n\n.endm\n"
        ".macro xmm_out n\n  movups %xmm\\n, 128+16*\\n(%rax)\n.endm\n"
        ".set i,0\n.rept 16\n  xmm_in %i\n.set i,i+1\n.endr\n"
        "  mov 0(%rsi),%rax\n  mov 8(%rsi),%rbx\n  mov 16(%rsi),%rcx\n  mov 24(%rsi),%rdx\n"
        "  mov 40(%rsi),%rdi\n  mov 48(%rsi),%rbp\n  mov 56(%rsi),%r8\n  mov 64(%rsi),%r9\n"
        "  mov 72(%rsi),%r10\n  mov 80(%rsi),%r11\n  mov 88(%rsi),%r12\n  mov 96(%rsi),%r13\n"
        "  mov 104(%rsi),%r14\n  mov 112(%rsi),%r15\n  mov 32(%rsi),%rsi\n"
        "  call *(%rsp)\n"
        "  push %rax\n"
        "  mov 16(%rsp),%rax\n"
        "  mov %rbx,8(%rax)\n  mov %rcx,16(%rax)\n  mov %rdx,24(%rax)\n  mov %rsi,32(%rax)\n"
        "  mov %rdi,40(%rax)\n  mov %rbp,48(%rax)\n  mov %r8,56(%rax)\n  mov %r9,64(%rax)\n"
        "  mov %r10,72(%rax)\n  mov %r11,80(%rax)\n  mov %r12,88(%rax)\n  mov %r13,96(%rax)\n"
        "  mov %r14,104(%rax)\n  mov %r15,112(%rax)\n"
        "  pushfq\n  popq 120(%rax)\n"
        "  popq 0(%rax)\n"
        ".set i,0\n.rept 16\n  xmm_out %i\n.set i,i+1\n.endr\n"
        ".noaltmacro\n"
        ".purgem xmm_in\n.purgem xmm_out\n"
        "  cld\n"
        "  add $16,%rsp\n"
        "  .cfi_adjust_cfa_offset -16\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  .cfi_adjust_cfa_offset -48\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size call_with, .-call_with\n");

// A pattern in every register, another for each seed; flags CF, PF, ZF, SF, OF vary.
static MAYBE_UNUSED void pattern_regs(struct regs *in, uint64_t seed) {
    uint64_t *word = (uint64_t *)in;
    for (size_t i = 0; i < sizeof *in / 8; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        word[i] = z ^ (z >> 31);
    }
    in->rflags = (in->rflags & 0x8c5) | 0x202;
}

// What a call must leave alone, is left alone; rcx and r11 are as the instruction leaves them.
static MAYBE_UNUSED void check_regs(const struct regs *in, const struct regs *out, const void *after) {
    CHECK_EQ(out->rbx, in->rbx);
    CHECK_EQ(out->rdx, in->rdx);
    CHECK_EQ(out->rsi, in->rsi);
    CHECK_EQ(out->rdi, in->rdi);
    CHECK_EQ(out->rbp, in->rbp);
    CHECK_EQ(out->r8, in->r8);
    CHECK_EQ(out->r9, in->r9);
    CHECK_EQ(out->r10, in->r10);
    CHECK_EQ(out->r12, in->r12);
    CHECK_EQ(out->r13, in->r13);
    CHECK_EQ(out->r14, in->r14);
    CHECK_EQ(out->r15, in->r15);
    CHECK_EQ(out->rflags, in->rflags);
    CHECK_EQ(out->r11, in->rflags);
    CHECK_EQ(out->rcx, (uintptr_t)after);
    CHECK(!memcmp(out->xmm, in->xmm, sizeof in->xmm));
}

// Waits until `*at` is `value`: spins, and gives the core away now and then.
static MAYBE_UNUSED void wait_for(_Atomic int *at, int value) {
    for (int spins = 0; atomic_load(at) != value; spins++) {
        __builtin_ia32_pause();
        if (spins % 2000 == 1999) sched_yield();
    }
}

// A barrier of `n` threads that spins, so that they leave it at the same moment.
struct spin_barrier {
    _Atomic int arrived, round;
};
static MAYBE_UNUSED void barrier_wait(struct spin_barrier *barrier, int n) {
    int round = atomic_load(&barrier->round);
    if (atomic_fetch_add(&barrier->arrived, 1) + 1 == n) {
        atomic_store(&barrier->arrived, 0);
        atomic_store(&barrier->round, round + 1);
    } else {
        wait_for(&barrier->round, round + 1);
    }
}

#endif
