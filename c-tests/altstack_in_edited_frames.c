// A handler changes uc_stack in its frame, on the alternate stack and off it, with SS_AUTODISARM and without: afterwards
// the alternate stack is what it is natively, which differs between kernels.
#include "check.h"
#include <ucontext.h>

static char first[65536], second[65536];
static int new_flags;
static size_t new_size;

static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)sig, (void)info;
    printf("frame %x %zu\n", c->uc_stack.ss_flags, c->uc_stack.ss_size);
    c->uc_stack.ss_sp = second;
    c->uc_stack.ss_size = new_size;
    c->uc_stack.ss_flags = new_flags;
}

int main(void) {
    for (int turn = 0; turn < 32; turn++) {
        stack_t stack = {.ss_sp = first, .ss_size = sizeof first, .ss_flags = turn & 1 ? (int)(1u << 31) : 0}, now;
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (turn & 2 ? SA_ONSTACK : 0)};
        new_flags = turn & 4 ? SS_DISABLE : 0;
        new_size = turn & 8 ? 100 : 40000;
        if (turn & 16) stack = (stack_t){.ss_flags = SS_DISABLE};
        CHECK_EQ(sigaltstack(&stack, NULL), 0);
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(sigaltstack(NULL, &now), 0);
        printf("%d: %x %zu %s\n", turn, now.ss_flags, now.ss_size, now.ss_sp == first ? "first" : now.ss_sp ? "second" : "none");
    }
    PASS();
}
