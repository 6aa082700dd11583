// Shows that a 5-byte instruction before the `syscall` keeps its effect on memory, registers
// and flags when the library replays it elsewhere, also when threads race to it cold.
// also: load
#include "code.h"
#include <pthread.h>

enum { ROUNDS = 60, THREADS = 3 };

struct shape {
    unsigned char bytes[8];
    int length, effect;
};
enum { NONE, STORE_R11, EDX_IS_7, R11_IS_THAT, FLAGS, RAX_IS_PID, LOAD, LEA_RIP };

static const struct shape shapes[] = {
    {{0x4c, 0x89, 0x5c, 0x24, 0x08}, 5, STORE_R11},      // mov %r11,8(%rsp)
    {{0xba, 0x07, 0, 0, 0}, 5, EDX_IS_7},                // mov $7,%edx
    {{0x48, 0x8b, 0x4c, 0x24, 0xf8}, 5, LOAD},           // mov -8(%rsp),%rcx
    {{0x3d, 0x27, 0, 0, 0}, 5, FLAGS},                   // cmp $39,%eax
    {{0x0f, 0x1f, 0x44, 0x00, 0x00}, 5, NONE},           // nopl 0(%rax,%rax)
    {{0xb8, 0x27, 0, 0, 0}, 5, RAX_IS_PID},              // mov $39,%eax
    {{0x48, 0x8d, 0x15, 0x10, 0, 0, 0}, 7, LEA_RIP},     // lea 16(%rip),%rdx: seven bytes, rip-relative
    {{0x4d, 0x89, 0xc2}, 3, NONE},                       // mov %r8,%r10: three bytes
};
enum { SHAPES = sizeof shapes / sizeof *shapes, SITES = SHAPES * ROUNDS };

static unsigned char *text;
static struct spin_barrier barrier;
static size_t place(int i) { return (size_t)i * PAGE + 300 + (size_t)i * 7 % 3000; }

// The site and, above the return address that call_with pushes, its saved words: 8(%rsp)
// there is the address of the code, which `mov %r11,8(%rsp)` must overwrite; a stub of our
// own keeps a spare word there instead: sub $24,%rsp; ...; mov 8(%rsp),%rcx is read back.
static int emit(unsigned char *at, const struct shape *shape) {
    int n = 0;
    memcpy(at + n, "\x48\x8d\x64\x24\xe8", 5), n += 5; // lea -24(%rsp),%rsp
    memcpy(at + n, "\xb8\x27\x00\x00\x00", 5), n += 5; // mov $39,%eax
    memcpy(at + n, "\x66\x90", 2), n += 2;             // so that this is not the site's own
    memcpy(at + n, shape->bytes, (size_t)shape->length), n += shape->length;
    memcpy(at + n, "\x0f\x05", 2), n += 2;
    int after = n;
    memcpy(at + n, "\x48\x8b\x74\x24\x08", 5), n += 5; // mov 8(%rsp),%rsi
    memcpy(at + n, "\x48\x8d\x64\x24\x18\xc3", 6);     // lea 24(%rsp),%rsp; ret
    return after;
}

static void once(int i, uint64_t seed, long pid) {
    const struct shape *shape = &shapes[i % SHAPES];
    struct regs in, out;
    pattern_regs(&in, seed);
    unsigned char *code = text + place(i), *after = code + 12 + shape->length + 2;
    call_with(code, &in, &out);
    CHECK_EQ(out.rax, pid);
    if (shape->effect == STORE_R11) CHECK_EQ(out.rsi, in.r11);
    in.rsi = out.rsi;
    if (shape->effect == EDX_IS_7) in.rdx = 7;
    if (shape->effect == LEA_RIP) in.rdx = (uintptr_t)after - 2 + 16;
    if (shape->bytes[0] == 0x4d) in.r10 = in.r8;
    if (shape->effect == FLAGS) {
        CHECK_EQ(out.rflags & 0x8c5, 0x44); // equal: ZF and PF
        in.rflags = out.rflags;
    }
    check_regs(&in, &out, after);
}

static void *racer(void *arg) {
    long pid = raw0(SYS_getpid);
    for (int i = 0; i < SITES; i++) {
        barrier_wait(&barrier, THREADS);
        for (int n = 0; n < 4; n++) once(i, (uintptr_t)arg + (uint64_t)i * 9 + (uint64_t)n, pid);
    }
    return NULL;
}

int main(void) {
    size_t size = (size_t)SITES * PAGE;
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    fill_code(bytes, size);
    for (int i = 0; i < SITES; i++) {
        memset(bytes + place(i) - 16, 0x90, 16);
        emit(bytes + place(i), &shapes[i % SHAPES]);
    }
    text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    pthread_t thread[THREADS];
    for (intptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, racer, (void *)(t * 1000)), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    for (int n = 0; n < 3000; n++)
        for (int i = 0; i < SHAPES; i++) once(i, (uint64_t)n, raw0(SYS_getpid));
    PASS();
}
