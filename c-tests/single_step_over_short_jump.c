// A program that steps itself with a SIGTRAP handler over calls whose `syscall` may become a short
// jump into padding sees the same steps each time: none of them is in the padding.
#include "check.h"
#include <ucontext.h>

extern char short_step_begin[], short_step_end[];

long short_step_call(long a);
__asm__(".text\n"
        ".p2align 6\n"
        ".type short_step_call,@function\n"
        "short_step_call:\n"
        "  .cfi_startproc\n"
        "  mov $39, %r9d\n"
        "  pushfq\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  orl $0x100, (%rsp)\n"
        "  popfq\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "short_step_begin:\n"
        "  mov %r9d, %eax\n"
        "  syscall\n"
        "  mov %rax, %r8\n"
        "  mov %r9d, %eax\n"
        "  syscall\n"
        "  add %rax, %r8\n"
        "  pushfq\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  andl $~0x100, (%rsp)\n"
        "  popfq\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "short_step_end:\n"
        "  mov %r8, %rax\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size short_step_call,.-short_step_call\n"
        "  .p2align 6, 0xcc\n"
        ".type short_step_next,@function\n"
        "short_step_next:\n"
        "  .cfi_startproc\n"
        "  ret\n"
        "  .cfi_endproc\n");

static volatile int steps, outside, backwards;
static volatile unsigned long last;

static void on_trap(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    ucontext_t *c = context;
    unsigned long rip = c->uc_mcontext.gregs[REG_RIP];
    steps++;
    if (rip < (unsigned long)short_step_begin || rip > (unsigned long)short_step_end) outside++;
    if (rip <= last) backwards++;
    last = rip;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
    for (int turn = 0; turn < 20; turn++) {
        steps = outside = backwards = 0;
        last = 0;
        CHECK_EQ(short_step_call(0), 2L * getpid());
        CHECK(steps >= 7 && steps <= 12);
        CHECK_EQ(outside, 0);
        CHECK_EQ(backwards, 0);
    }
    PASS();
}
