// SIGSYS and SIGILL raised inside their own handlers wait until these return, as any signal does.
#include "check.h"

static volatile sig_atomic_t count, depth, deepest;
static void handler(int sig) {
    if (++depth > deepest) deepest = depth;
    if (count++ == 0) raise(sig);
    depth--;
}

int main(void) {
    const int signals[] = {SIGUSR1, SIGSYS, SIGILL};
    for (int turn = 0; turn < 20; turn++)
        for (int i = 0; i < 3; i++) {
            CHECK(signal(signals[i], handler) != SIG_ERR);
            count = deepest = 0;
            CHECK_EQ(raise(signals[i]), 0);
            CHECK_EQ(count, 2);
            CHECK_EQ(deepest, 1);
        }
    PASS();
}
