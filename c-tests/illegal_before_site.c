// An illegal instruction of the program's own, five bytes before a site, reaches its SIGILL handler.
// also: load
#include "check.h"
#include <ucontext.h>

static volatile sig_atomic_t count;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
    count++;
}

long call_behind(long illegal);
__asm__(".text\n"
        "call_behind:\n"
        "  mov $39, %eax\n"
        "  test %edi, %edi\n"
        "  jz 1f\n"
        "  ud2\n"
        "  nop; nop; nop\n"
        "1: syscall\n"
        "  ret\n");

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
    for (int turn = 1; turn <= 20; turn++) {
        CHECK_EQ(call_behind(0), getpid());
        CHECK_EQ(call_behind(1), getpid());
        CHECK_EQ(count, turn);
    }
    PASS();
}
