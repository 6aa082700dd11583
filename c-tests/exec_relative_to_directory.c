// static: yes
// execveat with a path relative to a directory's descriptor, whatever the working directory.
#include "exec.h"

#define EXECVEAT(fd, path, flags) syscall(SYS_execveat, fd, path, arguments, environ, flags)

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    char *arguments[] = {"program", image_word(), NULL};
    CHECK_EQ(mkdir("a", 0755), 0);
    CHECK_EQ(mkdir("a/b", 0755), 0);
    copy_file(self, "a/b/program", 0755);
    CHECK_EQ(symlink("b/program", "a/link"), 0);
    static const int modes[] = {O_RDONLY | O_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC, O_PATH, O_PATH | O_CLOEXEC};
    for (int i = 0; i < 4; i++) {
        int fd = open("a", modes[i]);
        CHECK(fd >= 0);
        RUNS(EXECVEAT(fd, "b/program", 0));
        RUNS(EXECVEAT(fd, "./b/../b/program", AT_SYMLINK_NOFOLLOW));
        RUNS(EXECVEAT(fd, "../a/link", 0));
        RUNS(EXECVEAT(fd, "link", AT_EMPTY_PATH));
        CHECK_ERR(EXECVEAT(fd, "link", AT_SYMLINK_NOFOLLOW), ELOOP);
        CHECK_ERR(EXECVEAT(fd, "program", 0), ENOENT);
        CHECK_ERR(EXECVEAT(fd, "b", 0), EACCES);
        // From elsewhere, and after the directory got another name.
        CHECK_EQ(chdir("/"), 0);
        RUNS(EXECVEAT(fd, "b/program", 0));
        CHECK_ERR(EXECVEAT(AT_FDCWD, "b/program", 0), ENOENT);
        CHECK_EQ(fchdir(fd), 0);
        CHECK_EQ(chdir(".."), 0);
        CHECK_EQ(rename("a", "z"), 0);
        RUNS(EXECVEAT(fd, "b/program", 0));
        CHECK_EQ(rename("z", "a"), 0);
        CHECK_EQ(close(fd), 0);
    }
    CHECK_EQ(chdir("a"), 0);
    RUNS(EXECVEAT(AT_FDCWD, "b/program", 0));
    RUNS(execv("b/program", arguments));
    // A working directory that is gone.
    CHECK_EQ(mkdir("gone", 0755), 0);
    CHECK_EQ(chdir("gone"), 0);
    CHECK_EQ(rmdir("../gone"), 0);
    CHECK_ERR(execv("program", arguments), ENOENT);
    RUNS(execv(self, arguments));
    PASS();
}
