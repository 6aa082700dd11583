// static: yes
// Scripts executed by a descriptor: the interpreter gets /dev/fd/N, or /dev/fd/N/name; with O_CLOEXEC
// it could not open that, so the call fails: ENOENT.
#include "exec.h"

#define EXECVEAT(fd, path, flags) syscall(SYS_execveat, fd, path, arguments, environ, flags)

static int show(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("%s[%s]", i ? " " : "", !strncmp(argv[i], "image:", 6) ? "image" : argv[i]);
    puts("");
    // What it can open, it can read.
    const char *script = argv[1];
    char text[100] = "";
    int fd = open(script, O_RDONLY);
    CHECK(fd >= 0);
    CHECK(read(fd, text, sizeof text - 1) > 0);
    fputs(text, stdout);
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return show(argc, argv);
    know_self(argv);
    CHECK_EQ(symlink(self, "show"), 0);
    char *arguments[] = {"name", image_word(), NULL};
    write_text("script", "#!./show\n", 0755);
    write_text("nested", "#!./script\n", 0755);
    write_text("shell", "#!/bin/sh\necho \"$0 $#\"\nexit 4\n", 0755);
    int fd = open("script", O_RDONLY), nested = open("nested", O_RDONLY), shell = open("shell", O_RDONLY);
    RUNS(EXECVEAT(fd, "", AT_EMPTY_PATH));
    RUNS(fexecve(fd, arguments, environ));
    CHECK_EQ(dup2(fd, 42), 42);
    RUNS(EXECVEAT(42, "", AT_EMPTY_PATH));
    // Only the outermost is named by its descriptor.
    RUNS(EXECVEAT(nested, "", AT_EMPTY_PATH));
    RUNS_TO(4, EXECVEAT(shell, "", AT_EMPTY_PATH));
    // A descriptor opened with O_PATH does as well: /dev/fd/N opens the file.
    int path = open("script", O_PATH);
    RUNS(EXECVEAT(path, "", AT_EMPTY_PATH));

    static const int modes[] = {O_RDONLY | O_CLOEXEC, O_PATH | O_CLOEXEC};
    for (int i = 0; i < 2; i++) {
        int closing = open("script", modes[i]);
        CHECK_ERR(EXECVEAT(closing, "", AT_EMPTY_PATH), ENOENT);
        CHECK_ERR(fexecve(closing, arguments, environ), ENOENT);
        CHECK_EQ(fcntl(closing, F_SETFD, 0), 0);
        RUNS(EXECVEAT(closing, "", AT_EMPTY_PATH));
        CHECK_EQ(close(closing), 0);
    }

    // Relative to a directory.
    int directory = open(".", O_RDONLY | O_DIRECTORY), closing = open(".", O_PATH | O_CLOEXEC);
    RUNS(EXECVEAT(directory, "script", 0));
    RUNS(EXECVEAT(directory, "./script", 0));
    CHECK_ERR(EXECVEAT(closing, "script", 0), ENOENT);
    RUNS(EXECVEAT(AT_FDCWD, "script", 0));
    char absolute[PATH_MAX];
    CHECK(realpath("script", absolute));
    int status;
    IN_CHILD(status, {
        close(1); // the path differs from run to run
        EXECVEAT(closing, absolute, 0);
        _exit(errno);
    });
    CHECK(WIFEXITED(status));
    PASS();
}
