// arm: seccomp sud
// Shows that threads which call sites without a pause make each of their calls, and execute what stands before it
// once, while the jumps over several instructions come and go a hundred thousand times.
// modes: native rewrite fallback
#include "code.h"
#include <pthread.h>

enum { THREADS = 2, SHAPES = 4, FLIPS = 100000 / SHAPES, ROOM = 256 };
static const struct {
    unsigned char bytes[16];
    int length, needs_syscall;
} shapes[SHAPES] = {
    // Each adds up r8 + r9 in r10, a part in each instruction; the branch before it keeps others away.
    {{0x4d, 0x8d, 0x50, 0x01, 0x4d, 0x01, 0xca}, 7, 0},             // lea 1(%r8),%r10; add %r9,%r10
    {{0x4d, 0x89, 0xc2, 0x66, 0x90, 0x4d, 0x01, 0xca}, 8, 0},       // mov %r8,%r10; xchg %ax,%ax; add %r9,%r10
    {{0x4d, 0x89, 0xc2, 0x4d, 0x01, 0xca}, 6, 1},                   // mov %r8,%r10; add %r9,%r10
    {{0x4d, 0x8d, 0x50, 0x01, 0x66, 0x90}, 6, 1},                   // lea 1(%r8),%r10; xchg %ax,%ax
};

static unsigned char *text;
static _Atomic int over;

static unsigned char *start(int i) { return text + 300 + i * ROOM; }

static void once(int i, uint64_t seed, long pid) {
    struct regs in, out;
    pattern_regs(&in, seed);
    in.rax = SYS_getpid;
    call_with(start(i), &in, &out);
    CHECK_EQ(out.rax, pid);
    in.r10 = in.r8 + (i == 0 || i == 3) + (i < 3 ? in.r9 : 0);
    if (i < 3) in.rflags = out.rflags; // of the addition
    CHECK_EQ(out.r11, out.rflags);
    in.rflags = out.r11;
    check_regs(&in, &out, start(i) + 2 + shapes[i].length + 2);
}

static void *caller(void *arg) {
    long pid = raw0(SYS_getpid);
    for (uint64_t n = (uintptr_t)arg; !atomic_load(&over); n++)
        for (int i = 0; i < SHAPES; i++) once(i, n * 7 + (uint64_t)i, pid);
    return NULL;
}

static int has_jump(int i) {
    const unsigned char *at = start(i) + 2;
    return !memcmp(at, "\xff\x24\x25", 3) || !memcmp(at, "\x48\xff\x24\x25", 4);
}

int main(void) {
    unsigned char bytes[PAGE];
    const char *mode = getenv("C_TESTS_MODE");
    int fallback = mode && !strcmp(mode, "fallback");
    fill_code(bytes, sizeof bytes);
    for (int i = 0; i < SHAPES; i++) {
        unsigned char *at = bytes + 300 + i * ROOM;
        memset(at - 16, 0x90, 16);
        memcpy(at, "\x74\x00", 2);
        memcpy(at + 2, shapes[i].bytes, (size_t)shapes[i].length);
        memcpy(at + 2 + shapes[i].length, "\x0f\x05\xc3", 3);
    }
    text = map_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    pthread_t thread[THREADS];
    for (intptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, caller, (void *)(t * 1000)), 0);
    long pid = raw0(SYS_getpid);
    for (uint64_t n = 0; n < FLIPS; n++) {
        for (int i = 0; i < SHAPES && rewriting(); i++) {
            if (fallback && shapes[i].needs_syscall) continue;
            while (!has_jump(i)) once(i, n, pid);
        }
        CHECK_EQ(mprotect(text, sizeof bytes, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
        CHECK(!memcmp(text, bytes, sizeof bytes));
        CHECK_EQ(mprotect(text, sizeof bytes, PROT_READ | PROT_EXEC), 0);
    }
    atomic_store(&over, 1);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    PASS();
}
