// The whole visible state of a thread around a call: loads a pattern into every register, goes to a
// site of the test's, and stores what is there behind it; compares it, and the frames of signals.
#ifndef MACHINE_H
#define MACHINE_H
#include "check.h"
#include <cpuid.h>
#include <ucontext.h>

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };
enum { DF = 0x400, AC = 0x40000, TF = 0x100, ARITHMETIC = 0x8d5, RED_ZONE = 128 };

struct machine {
    uint64_t gpr[GPRS], flags;
    uint32_t mxcsr;
    uint16_t cw, unused;
    unsigned char st0[16];
    uint64_t pad[5], k[8], pad2[15];
    unsigned char vec[32][64];
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct machine, mxcsr) == 136 && offsetof(struct machine, st0) == 144, "known to the assembly");
_Static_assert(offsetof(struct machine, k) == 200 && offsetof(struct machine, vec) == 384, "known to the assembly");

// What is loaded, and what was found.
struct machine machine_in, machine_out;
// 0: xmm, 1: ymm, 2: zmm and mask registers.
int machine_level;
// Where machine_call goes first, and then, if that is machine_break: a stop for a tracer.
const char *machine_first, *machine_target;
extern const char machine_break[], machine_start[];
// Loads machine_in and jumps; whoever jumps to machine_done stores machine_out and returns here.
void machine_call(void);
void machine_done(void);

__asm__(".pushsection .bss\n.balign 8\nmachine_rsp: .zero 8\nmachine_modes: .zero 8\n.popsection\n"
        ".text\n"
        ".type machine_call,@function\n"
        "machine_call:\n  .cfi_startproc\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  stmxcsr machine_modes(%rip); fnstcw machine_modes+4(%rip)\n"
        "  lea machine_in(%rip),%rax\n"
        "  fninit; fldcw 140(%rax); fldt 144(%rax)\n"
        "  ldmxcsr 136(%rax)\n"
        "  cmpl $1,machine_level(%rip); je 1f; ja 2f\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n  movups 384+64*\\n(%rax),%xmm\\n\n  .endr\n"
        "  jmp 3f\n"
        "1:\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n  vmovups 384+64*\\n(%rax),%ymm\\n\n  .endr\n"
        "  jmp 3f\n"
        "2:\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "  vmovups 384+64*\\n(%rax),%zmm\\n\n  .endr\n"
        "  .irp n,0,1,2,3,4,5,6,7\n  kmovw 200+8*\\n(%rax),%k\\n\n  .endr\n"
        "3:\n"
        "  mov %rsp,machine_rsp(%rip)\n"
        "  mov 8(%rax),%rbx; mov 16(%rax),%rcx; mov 24(%rax),%rdx; mov 32(%rax),%rsi; mov 40(%rax),%rdi\n"
        "  mov 48(%rax),%rbp; mov 64(%rax),%r8; mov 72(%rax),%r9; mov 80(%rax),%r10; mov 88(%rax),%r11\n"
        "  mov 96(%rax),%r12; mov 104(%rax),%r13; mov 112(%rax),%r14; mov 120(%rax),%r15\n"
        "  pushq 128(%rax); mov (%rax),%rax\n"
        "  popfq\n"
        "  mov machine_in+56(%rip),%rsp\n"
        "  jmp *machine_first(%rip)\n"
        "machine_break: int3\n"
        "machine_start: jmp *machine_target(%rip)\n"
        ".globl machine_done\n"
        "machine_done:\n"
        "  mov %rsp,machine_out+56(%rip)\n"
        "  mov machine_rsp(%rip),%rsp\n"
        "  pushfq\n"
        "  push %rax\n"
        "  lea machine_out(%rip),%rax\n"
        "  mov %rbx,8(%rax); mov %rcx,16(%rax); mov %rdx,24(%rax); mov %rsi,32(%rax); mov %rdi,40(%rax)\n"
        "  mov %rbp,48(%rax); mov %r8,64(%rax); mov %r9,72(%rax); mov %r10,80(%rax); mov %r11,88(%rax)\n"
        "  mov %r12,96(%rax); mov %r13,104(%rax); mov %r14,112(%rax); mov %r15,120(%rax)\n"
        "  popq (%rax); popq 128(%rax)\n"
        "  pushq $0x202; popfq\n"
        "  stmxcsr 136(%rax); fnstcw 140(%rax); fstpt 144(%rax)\n"
        "  cmpl $1,machine_level(%rip); je 1f; ja 2f\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n  movups %xmm\\n,384+64*\\n(%rax)\n  .endr\n"
        "  jmp 3f\n"
        "1:\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n  vmovups %ymm\\n,384+64*\\n(%rax)\n  .endr\n"
        "  vzeroupper\n"
        "  jmp 3f\n"
        "2:\n"
        "  .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "  vmovups %zmm\\n,384+64*\\n(%rax)\n  .endr\n"
        "  .irp n,0,1,2,3,4,5,6,7\n  kmovw %k\\n,200+8*\\n(%rax)\n  .endr\n"
        "  vzeroupper\n"
        "3:\n"
        "  ldmxcsr machine_modes(%rip); fldcw machine_modes+4(%rip)\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n"
        "  .cfi_endproc\n.size machine_call,.-machine_call\n");

// The stack of the call: the words around its rsp are patterns, the frames of handlers lie below.
enum { STACK = 128 << 10, AROUND = 512 };
static unsigned char machine_stack[STACK + AROUND] __attribute__((aligned(64)));

static uint64_t scramble(uint64_t z) {
    z += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void pattern_bytes(void *at, size_t size, uint64_t seed) {
    for (size_t i = 0; i < size / 8; i++) ((uint64_t *)at)[i] = scramble(seed + i);
}

// Patterns everywhere; `flags` besides the interrupt flag.
static MAYBE_UNUSED void machine_patterns(uint64_t seed, uint64_t flags) {
    machine_level = __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx") ? 1 : 0;
    pattern_bytes(&machine_in, sizeof machine_in, seed);
    pattern_bytes(machine_stack + STACK - RED_ZONE, RED_ZONE + AROUND, seed + 1000);
    machine_in.gpr[RSP] = (uintptr_t)machine_stack + STACK;
    machine_in.flags = flags | 0x202;
    machine_in.mxcsr = 0x5fa0; // rounds up, and has lost precision before
    machine_in.cw = 0x67f;     // double precision, rounds down
    machine_in.st0[9] = 0x3f, machine_in.st0[8] = 0xff, machine_in.st0[7] |= 0x80; // a number
    for (int i = 0; i < 8; i++) machine_in.k[i] &= 0xffff;
}

static size_t vector_size(void) { return machine_level == 2 ? 64 : machine_level == 1 ? 32 : 16; }

#define CHECK_SAME(what, number, got, want)                                                              \
    do {                                                                                                \
        if ((uint64_t)(got) != (uint64_t)(want)) {                                                       \
            dprintf(2, "%s %d, checked at line %d\n", what, (int)(number), __LINE__);                    \
            CHECK_EQ(got, want);                                                                         \
        }                                                                                                \
    } while (0)

// The bytes around rsp are as they were.
static MAYBE_UNUSED void check_machine_stack(uint64_t seed) {
    uint64_t *at = (uint64_t *)(machine_stack + STACK - RED_ZONE);
    for (size_t i = 0; i < (RED_ZONE + AROUND) / 8; i++)
        CHECK_SAME("word around rsp", (int)i - RED_ZONE / 8, at[i], scramble(seed + 1000 + i));
}

// Behind the call: all as it was, but rax, and rcx and r11 as `syscall` leaves them. A tracer's
// trap flag may be in r11.
static MAYBE_UNUSED void check_machine(const char *after) {
    for (int i = 0; i < GPRS; i++)
        if (i != RAX && i != RCX && i != R11) CHECK_SAME("register", i, machine_out.gpr[i], machine_in.gpr[i]);
    CHECK_EQ(machine_out.gpr[RCX], after);
    CHECK_EQ(machine_out.gpr[R11] & ~TF, machine_in.flags);
    CHECK_EQ(machine_out.flags & ~TF, machine_in.flags);
    CHECK_EQ(machine_out.mxcsr, machine_in.mxcsr);
    CHECK_EQ(machine_out.cw, machine_in.cw);
    CHECK(!memcmp(machine_out.st0, machine_in.st0, 10));
    for (int i = 0; i < (machine_level == 2 ? 32 : 16); i++)
        for (size_t word = 0; word < vector_size() / 8; word++)
            CHECK_SAME("vector register", i, ((uint64_t *)machine_out.vec[i])[word],
                       ((uint64_t *)machine_in.vec[i])[word]);
    for (int i = 0; i < 8 && machine_level == 2; i++) CHECK_SAME("mask register", i, machine_out.k[i], machine_in.k[i]);
}

// One state component of the frame's xsave image, in its standard form.
static MAYBE_UNUSED const unsigned char *component(const unsigned char *fp, int number) {
    uint64_t in_use = *(uint64_t *)(fp + 512);
    unsigned size, offset, c, d;
    CHECK(in_use >> number & 1);
    __cpuid_count(0xd, (unsigned)number, size, offset, c, d);
    (void)size, (void)c, (void)d;
    return fp + offset;
}

// The vector and x87 state in a signal's frame.
static MAYBE_UNUSED void check_frame_vectors(const ucontext_t *c) {
    const unsigned char *fp = (unsigned char *)c->uc_mcontext.fpregs;
    CHECK(fp && (uintptr_t)fp % 64 == 0);
    CHECK_EQ(*(uint16_t *)fp, machine_in.cw);
    CHECK_EQ(*(uint32_t *)(fp + 24), machine_in.mxcsr);
    CHECK(!memcmp(fp + 32, machine_in.st0, 10));
    for (int i = 0; i < 16; i++) CHECK(!memcmp(fp + 160 + 16 * i, machine_in.vec[i], 16));
    if (machine_level == 0) return;
    CHECK_EQ(*(uint32_t *)(fp + 464), 0x46505853);
    CHECK_EQ(*(uint32_t *)(fp + *(uint32_t *)(fp + 468) - 4), 0x46505845);
    const unsigned char *high = component(fp, 2);
    for (int i = 0; i < 16; i++) CHECK(!memcmp(high + 16 * i, machine_in.vec[i] + 16, 16));
    if (machine_level == 1) return;
    const unsigned char *masks = component(fp, 5), *higher = component(fp, 6), *more = component(fp, 7);
    for (int i = 0; i < 8; i++) CHECK_EQ(*(uint64_t *)(masks + 8 * i), machine_in.k[i]);
    for (int i = 0; i < 16; i++) CHECK(!memcmp(higher + 32 * i, machine_in.vec[i] + 32, 32));
    for (int i = 0; i < 16; i++) CHECK(!memcmp(more + 64 * i, machine_in.vec[16 + i], 64));
}

static MAYBE_UNUSED int from_register(int i) {
    static const int from[GPRS] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
                                   REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return from[i];
}

// The integer registers in a frame, at the application's own instruction before the call (`number`
// is what rax must be) or behind it (rax must be `result`).
static MAYBE_UNUSED void check_frame_registers(const ucontext_t *c, int behind, long rax) {
    const greg_t *r = c->uc_mcontext.gregs;
    for (int i = 0; i < GPRS; i++)
        if (i != RAX && i != RCX && i != R11) CHECK_SAME("register in the frame", i, r[from_register(i)], machine_in.gpr[i]);
    CHECK_SAME("rax in the frame, behind the call", behind, r[REG_RAX], rax);
    CHECK_EQ(r[REG_EFL] & ~0x10000, machine_in.flags); // the resume flag is the kernel's
    // rcx and r11 are as `syscall` leaves them, behind it or at it, if the kernel restarts it; else as they were.
    // (A call that we put off until a handler has run leaves the address of the site.)
    int put_off = !behind && r[REG_RCX] == r[REG_RIP];
    int executed = (put_off || r[REG_RCX] == r[REG_RIP] + (behind ? 0 : 2)) && (r[REG_R11] & ~TF) == (greg_t)machine_in.flags;
    int untouched = r[REG_RCX] == (greg_t)machine_in.gpr[RCX] && r[REG_R11] == (greg_t)machine_in.gpr[R11];
    if (behind ? !executed : !executed && !untouched) {
        dprintf(2, "behind %d, rip %#llx, rcx %#llx, r11 %#llx\n", behind, r[REG_RIP], r[REG_RCX], r[REG_R11]);
        CHECK(!"rcx and r11 are right");
    }
}
#endif
