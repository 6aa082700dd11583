// A handler that puts SIGSYS (and all other signals) into the mask that its return sets:
// the mask reads back so afterwards, and calls are still served.
#include "check.h"
#include <ucontext.h>

static uint64_t to_set;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    memcpy(&((ucontext_t *)context)->uc_sigmask, &to_set, 8);
}
#define BIT(sig) (1ull << ((sig) - 1))

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    uint64_t unblockable = BIT(SIGKILL) | BIT(SIGSTOP), now, none = 0;
    uint64_t masks[] = {BIT(SIGSYS), ~0ull, BIT(SIGSYS) | BIT(SIGILL), 0, ~BIT(SIGSYS)};
    for (int turn = 0; turn < 50; turn++) {
        to_set = masks[turn % 5];
        CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR1), 0);
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &now, 8), 0);
        CHECK_EQ(now, to_set & ~unblockable);
        unsigned char code[8];
        emit_call(code, SYS_getppid);
        call_fn cold = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
        CHECK_EQ(cold(0, 0, 0), getppid());
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &none, &now, 8), 0);
        CHECK_EQ(now, to_set & ~unblockable);
    }
    PASS();
}
