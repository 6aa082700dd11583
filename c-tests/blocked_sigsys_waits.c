// A SIGSYS sent while the application has it blocked stays pending, shows in sigpending,
// and arrives when it is unblocked.
#include "check.h"

static volatile sig_atomic_t count;
static void handler(int sig) {
    (void)sig;
    count++;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    sigset_t only, pending;
    sigemptyset(&only);
    sigaddset(&only, SIGSYS);
    for (int turn = 0; turn < 20; turn++) {
        count = 0;
        CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
        CHECK_EQ(kill(getpid(), SIGSYS), 0);
        CHECK_EQ(kill(getpid(), SIGSYS), 0);
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(count, 0);
        CHECK_EQ(sigpending(&pending), 0);
        CHECK_EQ(sigismember(&pending, SIGSYS), 1);
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &only, NULL), 0);
        CHECK_EQ(count, 1);
        CHECK_EQ(sigpending(&pending), 0);
        CHECK_EQ(sigismember(&pending, SIGSYS), 0);
    }
    PASS();
}
