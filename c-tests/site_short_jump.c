// Shows that functions whose `syscall` may become a short jump into the padding after them go
// on right: the padding's neighbours untouched, jumps to every instruction of them, threads.
// also: load
#include "code.h"
#include <pthread.h>

enum { FUNCTIONS = 64, CALLS = 500, THREADS = 3 };

// 64 functions of different lengths, each `mov %edi,%eax; syscall`, padding of 0 to 15 bytes.
extern unsigned char short_jump_text[], short_jump_end[];
__asm__(".text\n.p2align 6\n"
        "short_jump_text:\n"
        ".altmacro\n"
        ".macro short_jump_function n\n"
        "  .p2align 6\n"
        "  .type short_jump_\\n,@function\n"
        "short_jump_\\n:\n"
        "  .cfi_startproc\n"
        "  mov %edi,%eax\n"
        "  .rept (\\n)/4\n  nop\n  .endr\n"
        "  mov %rsi,%rdi\n"
        "  syscall\n"
        "  .rept (\\n)/2\n  nop\n  .endr\n"
        "  ret\n"
        "  .cfi_endproc\n"
        "  .size short_jump_\\n,.-short_jump_\\n\n"
        ".endm\n"
        ".set i,0\n.rept 64\n  short_jump_function %i\n.set i,i+1\n.endr\n"
        ".noaltmacro\n.purgem short_jump_function\n"
        ".p2align 6\n"
        "short_jump_end:\n"
        "  .skip 64,0xf4\n");

static struct spin_barrier barrier;
static unsigned char *function(int i) { return short_jump_text + i * 64; }

static void call_all(int i) {
    struct regs in, out;
    pattern_regs(&in, (uint64_t)i);
    in.rdi = SYS_gettid;
    call_with(function(i), &in, &out);
    CHECK_EQ(out.rax, raw0(SYS_gettid));
    in.rdi = in.rsi;
    check_regs(&in, &out, function(i) + 2 + i / 4 + 3 + 2);
    // Straight to the `syscall`, with another number.
    pattern_regs(&in, (uint64_t)i + 1);
    in.rax = SYS_getppid;
    call_with(function(i) + 2 + i / 4 + 3, &in, &out);
    CHECK_EQ(out.rax, raw0(SYS_getppid));
    check_regs(&in, &out, function(i) + 2 + i / 4 + 3 + 2);
}

static void *racer(void *arg) {
    (void)arg;
    for (int i = 0; i < FUNCTIONS; i++) {
        barrier_wait(&barrier, THREADS);
        for (int n = 0; n < CALLS; n++) call_all(i);
    }
    return NULL;
}

int main(void) {
    CHECK_EQ(short_jump_end - short_jump_text, FUNCTIONS * 64);
    unsigned char before[FUNCTIONS * 64];
    memcpy(before, short_jump_text, sizeof before);
    pthread_t thread[THREADS];
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, racer, NULL), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    // In each function no byte but the two of the `syscall` has changed.
    for (int i = 0; i < FUNCTIONS; i++) {
        int syscall_at = 2 + i / 4 + 3, end = syscall_at + 2 + i / 2 + 1;
        CHECK(!memcmp(before + i * 64, function(i), (size_t)syscall_at));
        CHECK(!memcmp(before + i * 64 + syscall_at + 2, function(i) + syscall_at + 2, (size_t)(end - syscall_at - 2)));
        if (!rewriting()) CHECK(!memcmp(before + i * 64, function(i), 64));
    }
    PASS();
}
