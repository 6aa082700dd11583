// arm: seccomp sud
// Shows that a jump which replaces one or more instructions further before the `syscall` keeps their effects and the
// call, for who comes to the first of them, to any other, or to the `syscall`, also when threads race to it cold.
// also: load
#include "code.h"
#include <pthread.h>

enum { ROUNDS = 50, THREADS = 3, LONGEST = 24 };
enum { R10_IS_R8 = 1, RDX_IS_R9 = 2, RSI_IS_RBX = 4, RDX_IS_NEAR = 8, R10_IS_7 = 16, R10_IS_LONG = 32, RDX_IS_8_BEHIND = 64 };
#define LONG_VALUE 0x1122334455667788

static const struct piece {
    unsigned char bytes[10];
    int length, effect;
} load = {{0xb8, 0x27, 0, 0, 0}, 5, 0},                                       // mov $39,%eax
  r10_r8 = {{0x4d, 0x89, 0xc2}, 3, R10_IS_R8},                                // mov %r8,%r10
  rdx_r9 = {{0x4c, 0x89, 0xca}, 3, RDX_IS_R9},                                // mov %r9,%rdx
  rsi_rbx = {{0x48, 0x8d, 0xb3, 0xf0, 0x08, 0, 0}, 7, RSI_IS_RBX},            // lea 0x8f0(%rbx),%rsi
  rdx_near = {{0x48, 0x8d, 0x15, 0x10, 0, 0, 0}, 7, RDX_IS_NEAR},             // lea 16(%rip),%rdx
  rdx_8 = {{0x48, 0x8d, 0x53, 0x08}, 4, RDX_IS_8_BEHIND},                     // lea 8(%rbx),%rdx
  nop = {{0x66, 0x90}, 2, 0},                                                 // xchg %ax,%ax
  branch = {{0x74, 0}, 2, 0},                                                 // je to the next one
  r10_7 = {{0x41, 0xba, 7, 0, 0, 0}, 6, R10_IS_7},                            // mov $7,%r10d
  r10_long = {{0x49, 0xba, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, 10, R10_IS_LONG}; // movabs

static const struct piece *const shapes[][5] = {
    {&load, &r10_r8},                      // two instructions
    {&load, &r10_r8, &rdx_r9},             // two, and another behind them
    {&load, &rsi_rbx},                     // one of seven bytes
    {&load, &rsi_rbx, &r10_r8, &rdx_r9},   // the same further away
    {&load, &rdx_near},                    // one that knows where it is
    {&load, &r10_7},                       // one of six, or two in the fallback table
    {&load, &r10_7, &rdx_r9},              // two, the first of six
    {&load, &r10_long},                    // one of ten
    {&load, &branch, &rdx_8, &r10_r8},     // two short ones
    {&load, &branch, &r10_r8, &nop, &rdx_r9}, // three
    {&load, &branch, &rdx_8, &nop, &r10_r8}, // three, with a prefix
    {&load, &branch, &r10_r8, &rdx_r9},    // two, and the first byte of the `syscall`
    {&load, &branch, &r10_r8, &nop},       // two, and all of the `syscall`
    {&load, &branch, &rdx_8, &nop},        // the same with a prefix
};
// The last ones need a table whose addresses end like the `syscall`.
enum { SHAPES = sizeof shapes / sizeof *shapes, NEED_SYSCALL = 3, SITES = SHAPES * ROUNDS };

static unsigned char *text;
static struct spin_barrier barrier;
static size_t place(int i) { return (size_t)i * PAGE + 300 + (size_t)i * 7 % 3000; }

static int pieces(int i) {
    int n = 0;
    while (n < 5 && shapes[i % SHAPES][n]) n++;
    return n;
}

static int emit(unsigned char *at, int i) {
    int n = 0;
    for (int p = 0; p < pieces(i); p++) {
        const struct piece *piece = shapes[i % SHAPES][p];
        memcpy(at + n, piece->bytes, (size_t)piece->length), n += piece->length;
    }
    memcpy(at + n, "\x0f\x05\xc3", 3);
    return n;
}

// Comes to piece `from` of the site; behind the last one is the `syscall`.
static void once(int i, int from, uint64_t seed, long pid) {
    struct regs in, out;
    pattern_regs(&in, seed);
    unsigned char *code = text + place(i), *start = code, *site = code;
    int effect = 0;
    for (int p = 0; p < pieces(i); p++) {
        const struct piece *piece = shapes[i % SHAPES][p];
        if (p < from) start += piece->length;
        else effect |= piece->effect;
        site += piece->length;
    }
    if (from) in.rax = SYS_getpid;
    call_with(start, &in, &out);
    CHECK_EQ(out.rax, pid);
    if (effect & R10_IS_R8) in.r10 = in.r8;
    if (effect & RDX_IS_R9) in.rdx = in.r9;
    if (effect & RSI_IS_RBX) in.rsi = in.rbx + 0x8f0;
    if (effect & RDX_IS_NEAR) in.rdx = (uintptr_t)site + 16;
    if (effect & RDX_IS_8_BEHIND) in.rdx = in.rbx + 8;
    if (effect & R10_IS_7) in.r10 = 7;
    if (effect & R10_IS_LONG) in.r10 = LONG_VALUE;
    check_regs(&in, &out, site + 2);
}

static void *racer(void *arg) {
    long pid = raw0(SYS_getpid);
    for (int i = 0; i < SITES; i++) {
        barrier_wait(&barrier, THREADS);
        // Two come to the start, one to each of the other places in turn.
        for (int n = 0; n < 6; n++) once(i, arg ? 0 : n % (pieces(i) + 1), (uintptr_t)arg + (uint64_t)i * 9 + (uint64_t)n, pid);
    }
    return NULL;
}

// The jump is there: ff 24 25, or with its prefix.
static int has_jump(const unsigned char *code, int length) {
    for (int n = 0; n < length; n++)
        if (!memcmp(code + n, "\xff\x24\x25", 3)) return 1;
    return 0;
}

int main(void) {
    size_t size = (size_t)SITES * PAGE;
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    fill_code(bytes, size);
    int lengths[SHAPES];
    for (int i = 0; i < SITES; i++) {
        memset(bytes + place(i) - 16, 0x90, 16);
        lengths[i % SHAPES] = emit(bytes + place(i), i);
    }
    text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    pthread_t thread[THREADS];
    for (intptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, racer, (void *)(t * 1000)), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    for (int n = 0; n < 1000; n++)
        for (int i = 0; i < SHAPES; i++)
            for (int from = 0; from <= pieces(i); from++) once(i, from, (uint64_t)n, raw0(SYS_getpid));
    int rewritten = 0;
    for (int i = 0; i < SITES; i++) {
        const unsigned char *code = text + place(i);
        if (has_jump(code, lengths[i % SHAPES])) rewritten++;
        else CHECK(!memcmp(code, bytes + place(i), (size_t)lengths[i % SHAPES]));
        // Nothing else was written.
        CHECK(!memcmp(code - 100, bytes + place(i) - 100, 100));
        CHECK(!memcmp(code + lengths[i % SHAPES], bytes + place(i) + lengths[i % SHAPES], 100));
    }
    const char *mode = getenv("C_TESTS_MODE");
    int possible = mode && !strcmp(mode, "fallback") ? SITES - NEED_SYSCALL * ROUNDS : SITES;
    CHECK_EQ(rewritten, rewriting() ? possible : 0);
    // All have their own bytes again before they become writable.
    CHECK_EQ(mprotect(text, size, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    CHECK(!memcmp(text, bytes, size));
    PASS();
}
