// What the tests of /proc/PID/exe share: each starts its own program a second time, so that
// under the library the process is one that exec made.
#ifndef EXE_LINK_H
#define EXE_LINK_H

#include "check.h"
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static char program[PATH_MAX];      // its path, without links
static MAYBE_UNUSED struct stat program_stat;

// The first statement of main(int argc, char **argv).
#define STARTED_BY_EXEC(argc, argv)                                      \
    do {                                                                 \
        if ((argc) == 1) {                                               \
            execv((argv)[0], (char *[]){(argv)[0], "again", NULL});      \
            CHECK(!"execv");                                             \
        }                                                                \
        CHECK(realpath((argv)[0], program) != NULL);                     \
        CHECK_EQ(stat(program, &program_stat), 0);                       \
    } while (0)

// CHECK_IS_PROGRAM(stat): the file is this program.
#define CHECK_IS_PROGRAM(one)                          \
    do {                                               \
        CHECK_EQ((one).st_ino, program_stat.st_ino);   \
        CHECK_EQ((one).st_dev, program_stat.st_dev);   \
        CHECK_EQ((one).st_size, program_stat.st_size); \
        CHECK_EQ((one).st_mode, program_stat.st_mode); \
    } while (0)

// CHECK_FD_IS_PROGRAM(fd): the descriptor is of this program; closes it.
#define CHECK_FD_IS_PROGRAM(expression)        \
    do {                                       \
        struct stat of_fd_;                    \
        int fd_ = (expression);                \
        CHECK(fd_ >= 0);                       \
        CHECK_EQ(fstat(fd_, &of_fd_), 0);      \
        CHECK_IS_PROGRAM(of_fd_);              \
        CHECK_EQ(close(fd_), 0);               \
    } while (0)

// Every common form of the path of this process's link, one of them from its directory.
static MAYBE_UNUSED void each_form(void (*form)(const char *)) {
    char path[PATH_MAX], here[PATH_MAX];
    CHECK(getcwd(here, sizeof here) != NULL);
    form("/proc/self/exe");
    form("/proc/thread-self/exe");
    form("//proc///self/./exe");
    form("/proc/../proc/self/exe");
    snprintf(path, sizeof path, "/proc/%d/exe", getpid());
    form(path);
    snprintf(path, sizeof path, "/proc/%d/task/%d/exe", getpid(), getpid());
    form(path);
    CHECK_EQ(chdir("/proc/self"), 0);
    form("exe");
    CHECK_EQ(chdir(here), 0);
}

// CHECK_LINK(path, want): readlink's text.
#define CHECK_LINK(path, want)                                            \
    do {                                                                  \
        char text_[PATH_MAX + 1];                                         \
        ssize_t length_ = readlink((path), text_, sizeof text_ - 1);      \
        CHECK(length_ > 0);                                               \
        text_[length_] = 0;                                               \
        if (strcmp(text_, want)) fprintf(stderr, "%s is %s\n", path, text_); \
        CHECK(!strcmp(text_, want));                                      \
    } while (0)

#endif
