// static: yes
// execveat's flags and descriptors that it does not take: EINVAL, EBADF, ENOTDIR, ENOENT.
#include "exec.h"

#define EXECVEAT(fd, path, flags) syscall(SYS_execveat, fd, path, arguments, environ, flags)

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    char *arguments[] = {"program", image_word(), NULL};
    static const int flags[] = {1, 2, 4, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH | 1, 0x40000, (int)0x80000000, -1};
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) CHECK_ERR(EXECVEAT(AT_FDCWD, self, flags[i]), EINVAL);
    // Only the lower half counts.
    RUNS(rawreg(SYS_execveat, AT_FDCWD, (long)self, (long)arguments, (long)environ, 1l << 32, 0));

    int file = open(self, O_RDONLY | O_CLOEXEC), directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(file >= 0 && directory >= 0);
    CHECK_ERR(EXECVEAT(-1, "relative", 0), EBADF);
    CHECK_ERR(EXECVEAT(77, "relative", 0), EBADF);
    CHECK_ERR(EXECVEAT(-1, "", AT_EMPTY_PATH), EBADF);
    CHECK_ERR(EXECVEAT(77, "", AT_EMPTY_PATH), EBADF);
    CHECK_ERR(EXECVEAT(file, "relative", 0), ENOTDIR);
    CHECK_ERR(EXECVEAT(directory, "no-such-file", 0), ENOENT);
    CHECK_ERR(EXECVEAT(directory, "", 0), ENOENT);
    CHECK_ERR(EXECVEAT(file, "", 0), ENOENT);
    CHECK_ERR(EXECVEAT(directory, "", AT_EMPTY_PATH), EACCES);
    CHECK_ERR(EXECVEAT(AT_FDCWD, "", AT_EMPTY_PATH), EACCES); // the working directory
    CHECK_ERR(EXECVEAT(file, NULL, AT_EMPTY_PATH), EFAULT);
    CHECK_ERR(EXECVEAT(file, (char *)1, AT_EMPTY_PATH), EFAULT);
    // An absolute path needs no descriptor; AT_EMPTY_PATH does not matter to one that is not empty.
    RUNS(EXECVEAT(-1, self, 0));
    RUNS(EXECVEAT(file, self, AT_EMPTY_PATH));
    // The file itself, with both flags.
    RUNS(EXECVEAT(file, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    int pipes[2];
    CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
    CHECK_ERR(EXECVEAT(pipes[0], "", AT_EMPTY_PATH), EACCES);
    PASS();
}
