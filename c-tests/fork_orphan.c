// Shows that a grandchild goes on after its parent has ended: it is handed to another parent, and
// its calls, old sites and new ones, go on right.
#include "code.h"
#include <sys/prctl.h>

int main(void) {
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int round = 0; round < 20; round++) {
        int up[2], status;
        CHECK_EQ(pipe(up), 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            pid_t first = (pid_t)raw0(SYS_getpid), grandchild = fork();
            CHECK(grandchild >= 0);
            if (grandchild == 0) {
                while (raw0(SYS_getppid) == first) sched_yield();
                pid_t me = (pid_t)raw0(SYS_getpid);
                CHECK_EQ(write(up[1], &me, sizeof me), (long)sizeof me);
                _exit(21);
            }
            _exit(0);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        pid_t orphan = 0;
        CHECK_EQ(read(up[0], &orphan, sizeof orphan), (long)sizeof orphan);
        CHECK_EQ(waitpid(-1, &status, 0), orphan);
        CHECK_EQ(status, 21 << 8);
        CHECK_EQ(close(up[0]) | close(up[1]), 0);
    }
    PASS();
}
