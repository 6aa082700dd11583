// modes: trap rewrite fallback
// For now execve and execveat answer EPERM under the library, in the process itself, in
// children of fork and vfork and through posix_spawn; nobody dies of it.
#include "check.h"
#include <spawn.h>

int main(void) {
    char *arguments[] = {"true", NULL}, *environment[] = {NULL};
    static volatile int turn;
    for (turn = 0; turn < 10; turn++) {
        int status;
        CHECK_ERR(execve("/bin/true", arguments, environment), EPERM);
        CHECK_EQ(raw3(SYS_execve, "/bin/true", arguments, environment), -EPERM);
        CHECK_EQ(raw5(SYS_execveat, AT_FDCWD, "/bin/true", arguments, environment, 0), -EPERM);
        CHECK_EQ(rawreg(SYS_execve, (long)"/bin/true", (long)arguments, (long)environment, 0, 0, 0), -EPERM);
        IN_CHILD(status, {
            execv("/bin/true", arguments);
            _exit(errno);
        });
        CHECK_EQ(status, EPERM << 8);
        pid_t child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            execv("/bin/true", arguments);
            _exit(errno);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, EPERM << 8);
        CHECK_EQ(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environment), EPERM);
        CHECK_EQ(raw0(SYS_getppid), getppid());
    }
    PASS();
}
