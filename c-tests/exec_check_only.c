// static: yes
// execveat with AT_EXECVE_CHECK (Linux 6.14) answers what execution would, and executes nothing.
#include "exec.h"
#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

#define EXECVEAT(fd, path, flags) syscall(SYS_execveat, fd, path, arguments, environ, flags)

int main(void) {
    char *arguments[] = {"program", NULL};
    struct tiny elf = tiny_elf(NULL);
    write_file("program", &elf, sizeof elf, 0755);
    if (EXECVEAT(AT_FDCWD, "program", AT_EXECVE_CHECK) < 0 && errno == EINVAL) SKIP("no AT_EXECVE_CHECK");
    struct traces before;
    take_traces(&before);
    CHECK_EQ(EXECVEAT(AT_FDCWD, "program", AT_EXECVE_CHECK), 0);
    CHECK_EQ(EXECVEAT(AT_FDCWD, "/bin/sh", AT_EXECVE_CHECK | AT_SYMLINK_NOFOLLOW) + 1, access("/bin/sh", X_OK) == 0 ? errno == ELOOP ? 0 : 1 : 0);
    int fd = open("program", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(EXECVEAT(fd, "", AT_EXECVE_CHECK | AT_EMPTY_PATH), 0);
    CHECK_EQ(close(fd), 0);
    CHECK_ERR(EXECVEAT(AT_FDCWD, "nothing", AT_EXECVE_CHECK), ENOENT);
    CHECK_ERR(EXECVEAT(AT_FDCWD, ".", AT_EXECVE_CHECK), EACCES);
    CHECK_ERR(EXECVEAT(AT_FDCWD, "program", AT_EXECVE_CHECK | 1), EINVAL);
    CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, "program", 1, environ, AT_EXECVE_CHECK), EFAULT);
    // The format is not looked at.
    write_text("text", "text", 0755);
    CHECK_EQ(EXECVEAT(AT_FDCWD, "text", AT_EXECVE_CHECK), 0);
    CHECK_NO_TRACES(&before);
    PASS();
}
