// The first process of a PID namespace takes no signal for which it has no handler: SIGSYS, SIGSEGV and the others that it
// gets in vain leave its calls as they are. Its own fault ends it.
#include "roots.h"

static void first_process(void) {
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTERM};
    if (!as_root_of_namespace(CLONE_NEWPID)) _exit(77);
    for (int fault = 0; fault < 2; fault++) {
        int status;
        IN_CHILD(status, {
            for (int i = 0; i < 60; i++) {
                CHECK_EQ(kill(getpid(), signals[i % 6]), 0);
                CHECK_EQ(syscall(SYS_tgkill, getpid(), gettid(), signals[i % 6]), 0);
                CHECK_EQ(syscall(600 + i), -1);
            }
            if (fault) *(volatile int *)8 = 1;
            _exit(5);
        });
        printf("%d: %x\n", fault, status & ~0x80);
        if (fault == 0) CHECK_EQ(status, 5 << 8);
        break; // the namespace has no first process any more
    }
    fflush(stdout);
    _exit(0);
}

int main(void) {
    int status;
    IN_CHILD(status, first_process());
    if (WEXITSTATUS(status) == 77) SKIP("no PID namespaces");
    CHECK_EQ(status, 0);
    PASS();
}
