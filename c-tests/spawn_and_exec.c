// Shows that posix_spawn, system, popen, execve and execveat do as natively; under the library,
// for now, the caller gets EPERM, and no child is killed.
// cflags: -Wno-clobbered
#include "code.h"
#include <spawn.h>

extern char **environ;

int main(void) {
    char *argv[] = {"/bin/true", NULL};
    for (int n = 0; n < 20; n++) {
        pid_t child;
        int status, error = posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ);
        CHECK_EQ(error, under_library() ? EPERM : 0);
        if (error == 0) {
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK_EQ(status, 0);
        }
        child = vfork();
        if (child == 0) {
            execve("/bin/true", argv, environ);
            _exit(errno == EPERM ? 99 : 98);
        }
        CHECK(child > 0);
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, under_library() ? 99 << 8 : 0);
        IN_CHILD(status, {
            raw5(SYS_execveat, AT_FDCWD, "/bin/true", argv, environ, 0);
            _exit(97);
        });
        CHECK_EQ(status, under_library() ? 97 << 8 : 0);
    }
    // The process that asked goes on.
    if (under_library()) CHECK_ERR(execve("/bin/true", argv, environ), EPERM);
    int status = system("exit 3");
    CHECK_EQ(status, under_library() ? 127 << 8 : 3 << 8);
    FILE *pipe = popen("echo hello", "r");
    if (under_library()) {
        if (pipe) CHECK(pclose(pipe) != 0);
    } else {
        char line[16];
        CHECK(pipe && fgets(line, sizeof line, pipe) && !strcmp(line, "hello\n"));
        CHECK_EQ(pclose(pipe), 0);
    }
    PASS();
}
