// A process that shares our memory (CLONE_VM alone) may be killed at any instant: nothing that it was
// about to do keeps us from anything.
// without: guest
#include "check.h"
#include <sched.h>

static int replace_descriptors(void *unused) {
    (void)unused;
    for (;;) {
        dup2(1, 50);
        close(50);
    }
    return 0;
}

int main(void) {
    enum { STACK = 1 << 18 };
    char *stack = malloc(STACK);
    unsigned seed = 3;
    for (int i = 0; i < 200; i++) {
        pid_t child = clone(replace_descriptors, stack + STACK, CLONE_VM | SIGCHLD, NULL);
        CHECK(child > 0);
        for (volatile int k = rand_r(&seed) % 300000; k > 0; k--) {}
        CHECK_EQ(kill(child, SIGKILL), 0);
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        IN_CHILD(status, {});
        CHECK_EQ(status, 0);
        CHECK_EQ(dup2(1, 51), 51);
    }
    PASS();
}
