// A program that steps itself by the trap flag sees exactly the steps that it sees natively: over calls that pass, that
// we answer, that a hook sees, at a site's first hit and when it was rewritten, none ends in our code, none is missing
// and there is none more. (The kernel resumes behind a `syscall` with one more instruction.)
#include "check.h"
#include <ucontext.h>

extern char steps_begin[], steps_end[];

long stepped(void);
__asm__(".text\n"
        ".p2align 6\n"
        ".type stepped,@function\n"
        "stepped:\n"
        "  .cfi_startproc\n"
        "  push %rbx\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  xor %edi, %edi\n"
        "  xor %esi, %esi\n"
        "  pushfq\n"
        "  orl $0x100, (%rsp)\n"
        "  popfq\n"
        "steps_begin:\n"
        "  mov $7, %ebx\n"
        "  mov $110, %eax\n" // getppid
        "  syscall\n"
        "  add $5, %ebx\n"
        "  mov %rax, %r8\n"
        "  mov $110, %r9d\n" // a site without a number of its own
        "  mov %r9d, %eax\n"
        "  syscall\n"
        "  sub %rax, %r8\n"
        "  mov $131, %rax\n" // sigaltstack, which we answer
        "  syscall\n"
        "  add %rax, %r8\n"
        "  mov $500, %eax\n" // ENOSYS
        "  syscall\n"
        "  add %rax, %r8\n"
        "  mov $110, %eax\n"
        "  syscall\n"
        "  mov $110, %eax\n"
        "  syscall\n"
        "  nop\n"
        "  pushfq\n"
        "  andl $~0x100, (%rsp)\n"
        "  popfq\n"
        "steps_end:\n"
        "  mov %r8, %rax\n"
        "  pop %rbx\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size stepped,.-stepped\n"
        "  .p2align 6, 0xcc\n");

enum { MOST = 64 };
static volatile int steps, odd;
static int places[MOST];

static void on_trap(int sig, siginfo_t *info, void *context) {
    (void)sig;
    ucontext_t *c = context;
    unsigned long rip = c->uc_mcontext.gregs[REG_RIP];
    if (steps < MOST) places[steps++] = (int)(rip - (unsigned long)steps_begin);
    // Behind the popf that ends it the flag is clear.
    int flag = (c->uc_mcontext.gregs[REG_EFL] & 0x100) != 0;
    if (info->si_code != TRAP_TRACE || flag != (rip < (unsigned long)steps_end)) odd++;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
    for (int turn = 0; turn < 20; turn++) {
        steps = odd = 0;
        CHECK_EQ(stepped(), -ENOSYS);
        CHECK_EQ(odd, 0);
        for (int i = 0; i < steps; i++) printf("%d ", places[i]);
        printf("\n");
    }
    PASS();
}
