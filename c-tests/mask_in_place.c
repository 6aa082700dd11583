// rt_sigprocmask whose old set goes to the place of the new one, or to nowhere: SIGSYS in the
// new set is noticed all the same, and calls go on.
#include "check.h"

int main(void) {
    for (int turn = 0; turn < 50; turn++) {
        uint64_t set = ~0ull, now = 0;
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &set, &set, 8), 0);
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8), 0);
        set = ~0ull;
        // The kernel changes the mask before it finds out that it cannot write the old one.
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &set, 8, 8), -EFAULT);
        CHECK_EQ(rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), getppid());
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
        CHECK_EQ(now, ~0ull & ~(1ull << (SIGKILL - 1)) & ~(1ull << (SIGSTOP - 1)));
        set = 0;
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8), 0);
    }
    PASS();
}
