// Shows that a vfork's child may do much before it ends: calls by the thousand, memory mapped and
// unmapped, files, a vfork and a fork of its own; and that it may be killed, its parent unharmed.
// cflags: -Wno-clobbered
#include "code.h"

int main(void) {
    long me = raw0(SYS_getpid);
    for (int round = 0; round < 20; round++) {
        volatile long answer = 0;
        pid_t child = vfork();
        if (child == 0) {
            for (int n = 0; n < 500; n++) {
                if (raw0(SYS_getppid) != me) _exit(1);
                void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (page == MAP_FAILED || munmap(page, PAGE) != 0) _exit(2);
            }
            int status;
            pid_t grandchild = vfork();
            if (grandchild == 0) _exit(3);
            if (waitpid(grandchild, &status, 0) != grandchild || status != 3 << 8) _exit(4);
            grandchild = fork();
            if (grandchild == 0) _exit(5);
            if (waitpid(grandchild, &status, 0) != grandchild || status != 5 << 8) _exit(6);
            answer = 42;
            if (round % 3 == 1) raw2(SYS_kill, raw0(SYS_getpid), SIGKILL);
            if (round % 3 == 2) raw1(SYS_exit, 7);
            _exit(7);
        }
        CHECK(child > 0);
        CHECK_EQ(answer, 42);
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, round % 3 == 1 ? SIGKILL : 7 << 8);
        CHECK_EQ(raw0(SYS_getpid), me);
    }
    PASS();
}
