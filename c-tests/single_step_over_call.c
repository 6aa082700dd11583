// A program that sets the trap flag and steps itself over calls with a SIGTRAP handler
// gets the same results, sees only its own code at each step, and goes on to the end.
#include "check.h"
#include <ucontext.h>

extern char step_begin[], step_end[];

long step(long a);
__asm__(".text\n"
        "step:\n"
        "  push %rbx\n"
        "  pushfq\n"
        "  orl $0x100, (%rsp)\n"
        "  popfq\n"
        "step_begin:\n"
        "  mov $7, %ebx\n"
        "  mov $110, %eax\n"
        "  syscall\n"
        "  add $5, %ebx\n"
        "  mov %rax, %r8\n"
        "  mov $39, %r9d\n"
        "  mov %r9d, %eax\n"
        "  syscall\n"
        "  add %rax, %r8\n"
        "  pushfq\n"
        "  andl $~0x100, (%rsp)\n"
        "  popfq\n"
        "step_end:\n"
        "  mov %r8, %rax\n"
        "  pop %rbx\n"
        "  ret\n");

static volatile int steps, outside, backwards, bad_code;
static volatile unsigned long last;

static void on_trap(int sig, siginfo_t *info, void *context) {
    (void)sig;
    ucontext_t *c = context;
    unsigned long rip = c->uc_mcontext.gregs[REG_RIP];
    steps++;
    if (rip < (unsigned long)step_begin || rip > (unsigned long)step_end) outside++;
    if (rip < last) backwards++;
    if (info->si_code != TRAP_TRACE) bad_code++;
    if (!(c->uc_mcontext.gregs[REG_EFL] & 0x100) && rip < (unsigned long)step_end) bad_code++;
    last = rip;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
    for (int turn = 0; turn < 20; turn++) {
        steps = outside = backwards = bad_code = 0;
        last = 0;
        CHECK_EQ(step(0), (long)getppid() + getpid());
        CHECK(steps >= 8 && steps <= 20);
        CHECK_EQ(outside, 0);
        CHECK_EQ(backwards, 0);
        CHECK_EQ(bad_code, 0);
    }
    PASS();
}
