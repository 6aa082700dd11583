// A signal that comes while a handler on the alternate stack is blocked in a call: the
// second handler runs above it on the same stack, and both calls end as natively.
#include "interrupted_calls.h"
#include <ucontext.h>

static int fds[2];
static volatile sig_atomic_t inner;
static volatile long outer_result;
static char *inner_at, *outer_at;

static void on_inner(int sig) {
    (void)sig;
    char here;
    inner_at = &here;
    inner++;
    CHECK_EQ(raw0(SYS_getpid), getpid());
    handled++;
}

static void on_outer(int sig) {
    (void)sig;
    char here, byte = 0;
    outer_at = &here;
    outer_result = raw3(SYS_read, fds[0], &byte, 1);
    CHECK_EQ(raw0(SYS_getppid), getppid());
}

int main(void) {
    static char altstack[131072];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    CHECK_EQ(pipe(fds), 0);
    struct sigaction action = {.sa_handler = on_outer, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    for (int turn = 0; turn < 20; turn++) {
        int restart = turn & 1;
        struct sigaction second = {.sa_handler = on_inner, .sa_flags = SA_ONSTACK | (restart ? SA_RESTART : 0)};
        CHECK_EQ(sigaction(SIGUSR1, &second, NULL), 0);
        inner = 0;
        long sent = UNDER_ASSAULT(restart ? 3 : 1, restart ? fds[1] : -1, NULL, raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR2));
        CHECK_EQ(sent, 0);
        CHECK_EQ(inner, restart ? 3 : 1);
        CHECK_EQ(outer_result, restart ? 1 : -EINTR);
        CHECK(outer_at > altstack && outer_at < altstack + sizeof altstack);
        CHECK(inner_at > altstack && inner_at < outer_at);
    }
    PASS();
}
