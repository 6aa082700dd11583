// SIGSYS (and SIGILL, SIGSEGV, SIGTRAP) may be blocked, unblocked and set in masks: the
// masks read back as set, calls are still served, threads and children inherit them.
#include "threads.h"

static void expect(uint64_t want) {
    uint64_t now = 0x5555;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
    CHECK_EQ(now, want);
}
#define BIT(sig) (1ull << ((sig) - 1))

static void *in_thread(void *want) {
    expect((uint64_t)want);
    CHECK_EQ(raw0(SYS_getpid), getpid());
    unsigned char code[8];
    emit_call(code, SYS_getpid);
    CHECK_EQ(((call_fn)make_code(code, 8, PROT_READ | PROT_EXEC))(0, 0, 0), getpid());
    return NULL;
}

static uint64_t change(int how, uint64_t set) {
    uint64_t old = 0x5555;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, how, &set, &old, 8), 0);
    // A cold site of its own each time: it traps.
    unsigned char code[8];
    emit_call(code, SYS_getppid);
    call_fn cold = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
    CHECK_EQ(cold(0, 0, 0), getppid());
    CHECK_EQ(raw0(600), -ENOSYS);
    return old;
}

int main(void) {
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGTRAP};
    for (int turn = 0; turn < 30; turn++)
        for (unsigned i = 0; i < 4; i++) {
            uint64_t bit = BIT(signals[i]), others = BIT(SIGUSR2) | BIT(SIGRTMIN + 3);
            int status;
            expect(0);
            CHECK_EQ(change(SIG_BLOCK, bit), 0);
            expect(bit);
            CHECK_EQ(change(SIG_BLOCK, others), bit);
            expect(bit | others);
            CHECK_EQ(change(SIG_BLOCK, bit), bit | others);
            join_thread(start_thread(in_thread, (void *)(bit | others), 0));
            IN_CHILD(status, in_thread((void *)(bit | others)));
            CHECK_EQ(status, 0);
            CHECK_EQ(change(SIG_UNBLOCK, bit), bit | others);
            expect(others);
            CHECK_EQ(change(SIG_SETMASK, ~0ull), others);
            expect(~0ull & ~BIT(SIGKILL) & ~BIT(SIGSTOP));
            sigset_t by_libc;
            CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &by_libc), 0);
            CHECK_EQ(sigismember(&by_libc, signals[i]), 1);
            CHECK_EQ(change(SIG_SETMASK, bit), ~0ull & ~BIT(SIGKILL) & ~BIT(SIGSTOP));
            expect(bit);
            uint64_t unchanged = 0;
            CHECK_EQ(raw4(SYS_rt_sigprocmask, 3, &unchanged, NULL, 8), -EINVAL);
            CHECK_EQ(raw4(SYS_rt_sigprocmask, 99, NULL, &unchanged, 8), 0); // `how` counts only with a set
            CHECK_EQ(unchanged, bit);
            CHECK_EQ(change(SIG_SETMASK, 0), bit);
        }
    PASS();
}
