// A SIGSYS or SIGILL sent while the application has it blocked stays pending, shows in sigpending,
// and arrives when it is unblocked.
#include "check.h"

static volatile sig_atomic_t count;
static void handler(int sig) {
    (void)sig;
    count++;
}

static void waits(int sig) {
    struct sigaction action = {.sa_handler = handler};
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
    sigset_t only, pending;
    sigemptyset(&only);
    sigaddset(&only, sig);
    for (int turn = 0; turn < 20; turn++) {
        count = 0;
        CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(count, 0);
        CHECK_EQ(sigpending(&pending), 0);
        CHECK_EQ(sigismember(&pending, sig), 1);
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &only, NULL), 0);
        CHECK_EQ(count, 1);
        CHECK_EQ(sigpending(&pending), 0);
        CHECK_EQ(sigismember(&pending, sig), 0);
    }
}

int main(void) {
    waits(SIGSYS);
    waits(SIGILL);
    PASS();
}
