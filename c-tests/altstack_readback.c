// sigaltstack reads back what was set, at first nothing, in new threads nothing, in
// forked children the parent's; flags are checked as natively, SS_AUTODISARM included.
#include "threads.h"
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static char memory[2][65536];

static void expect(void *sp, size_t size, int flags) {
    stack_t now;
    memset(&now, 0x55, sizeof now);
    CHECK_EQ(raw2(SYS_sigaltstack, NULL, &now), 0);
    CHECK_EQ(now.ss_sp, sp);
    CHECK_EQ(now.ss_size, size);
    CHECK_EQ(now.ss_flags, flags);
}

static void *in_thread(void *unused) {
    (void)unused;
    expect(NULL, 0, SS_DISABLE);
    stack_t mine = {.ss_sp = memory[1], .ss_size = 8192};
    CHECK_EQ(sigaltstack(&mine, NULL), 0);
    expect(memory[1], 8192, 0);
    return NULL;
}

static volatile sig_atomic_t ran;
static void disarmed(int sig) {
    (void)sig;
    expect(NULL, 0, SS_DISABLE); // and so it may be changed here
    stack_t other = {.ss_sp = memory[1], .ss_size = 16384};
    CHECK_EQ(raw2(SYS_sigaltstack, &other, NULL), 0);
    expect(memory[1], 16384, 0);
    ran++;
}

int main(void) {
    int status;
    expect(NULL, 0, SS_DISABLE);
    stack_t stack = {.ss_sp = memory[0], .ss_size = sizeof memory[0]}, old;
    CHECK_EQ(raw2(SYS_sigaltstack, &stack, &old), 0);
    CHECK_EQ(old.ss_flags, SS_DISABLE);
    expect(memory[0], sizeof memory[0], 0);
    for (int i = 0; i < 10; i++) join_thread(start_thread(in_thread, NULL, 0));
    expect(memory[0], sizeof memory[0], 0);
    IN_CHILD(status, expect(memory[0], sizeof memory[0], 0));
    CHECK_EQ(status, 0);
    stack.ss_flags = 4;
    CHECK_EQ(raw2(SYS_sigaltstack, &stack, NULL), -EINVAL);
    stack.ss_flags = SS_ONSTACK; // allowed, means 0
    CHECK_EQ(raw2(SYS_sigaltstack, &stack, NULL), 0);
    expect(memory[0], sizeof memory[0], 0);

    stack.ss_flags = (int)SS_AUTODISARM;
    CHECK_EQ(raw2(SYS_sigaltstack, &stack, NULL), 0);
    expect(memory[0], sizeof memory[0], (int)SS_AUTODISARM);
    struct sigaction action = {.sa_handler = disarmed, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int turn = 0; turn < 20; turn++) {
        CHECK_EQ(raise(SIGUSR1), 0);
        expect(memory[0], sizeof memory[0], (int)SS_AUTODISARM); // the return restores it
    }
    CHECK_EQ(ran, 20);
    stack = (stack_t){.ss_flags = SS_DISABLE};
    CHECK_EQ(raw2(SYS_sigaltstack, &stack, &old), 0);
    CHECK_EQ(old.ss_flags, (int)SS_AUTODISARM);
    expect(NULL, 0, SS_DISABLE);
    PASS();
}
