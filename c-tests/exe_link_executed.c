// Executing an exe link executes the program of its process: by every name of the link, through
// symbolic links, by descriptors opened from it, and that of another process.
#include "exe_link.h"

static char here[PATH_MAX];

// Runs `body`, which executes this program with the argument "inner": it ends with 42.
#define REACHES_PROGRAM(...)                                 \
    do {                                                     \
        int status_;                                         \
        IN_CHILD(status_, { __VA_ARGS__; _exit(errno); });   \
        CHECK_EQ(status_, 42 << 8);                          \
    } while (0)

int main(int argc, char **argv) {
    if (argc == 3) {
        // The inner program: its name is what it was executed as, its link what it is.
        CHECK(realpath(argv[2], program) != NULL);
        CHECK_LINK("/proc/self/exe", program);
        _exit(42);
    }
    STARTED_BY_EXEC(argc, argv);
    CHECK(getcwd(here, sizeof here) != NULL);
    char *arguments[] = {"name", "inner", program, NULL}, path[PATH_MAX];
    REACHES_PROGRAM(execve("/proc/self/exe", arguments, environ));
    REACHES_PROGRAM(execve("//proc/self/./exe", arguments, environ));
    REACHES_PROGRAM(execve("/proc/thread-self/exe", arguments, environ));
    REACHES_PROGRAM(execve("/proc/../proc/self/exe", arguments, environ));
    snprintf(path, sizeof path, "/proc/%d/exe", getpid());
    REACHES_PROGRAM(execve(path, arguments, environ));
    REACHES_PROGRAM(chdir("/proc/self"); execve("exe", arguments, environ));
    int directory = open("/proc", O_PATH);
    CHECK(directory >= 0);
    REACHES_PROGRAM(syscall(SYS_execveat, directory, "self/exe", arguments, environ, 0));
    REACHES_PROGRAM(int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); fexecve(fd, arguments, environ));
    REACHES_PROGRAM(int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
                    syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH));
    unlink("link"), unlink("second");
    CHECK_EQ(symlink("/proc/self/exe", "link"), 0);
    CHECK_EQ(symlink("link", "second"), 0);
    REACHES_PROGRAM(execve("second", arguments, environ));
    unlink("link"), unlink("second");
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        execve("/proc/self/exe", arguments, environ);
        _exit(9);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 42 << 8);
    int error;
    IN_CHILD(error, syscall(SYS_execveat, AT_FDCWD, "/proc/self/exe", arguments, environ, AT_SYMLINK_NOFOLLOW);
             _exit(errno));
    CHECK_EQ(error, ELOOP << 8);
    IN_CHILD(error, execve("/proc/self/exe/", arguments, environ); _exit(errno));
    CHECK_EQ(error, ENOTDIR << 8);

    // Another process's program: a shell, by the link of a child.
    int ends[2];
    CHECK_EQ(pipe2(ends, 0), 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        execl("/bin/sh", "sh", "-c", "echo x; kill -STOP $$", NULL);
        _exit(9);
    }
    char byte;
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    snprintf(path, sizeof path, "/proc/%d/exe", child);
    char *shell[] = {"sh", "-c", "exit 17", NULL};
    IN_CHILD(status, execve(path, shell, environ); _exit(9));
    CHECK_EQ(status, 17 << 8);
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
    PASS();
}
