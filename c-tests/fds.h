// What descriptors are open, by all the ways there are to find out.
#ifndef FDS_H
#define FDS_H

#include "check.h"
#include <dirent.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

// Numbers up to here are looked at: beyond all that the library takes for itself.
enum { LAST_FD = 4200 };

// Prints the numbers in the directory that is open at `fd`, by SYS_getdents64 or SYS_getdents with a
// buffer of `size` bytes, whether the entries follow each other, and how many calls it took.
static MAYBE_UNUSED void print_entries(const char *what, int fd, long nr, size_t size) {
    static char buffer[1 << 16];
    CHECK(size <= sizeof buffer);
    printf("%s:", what);
    long n, seen = 0, calls = 0;
    while ((n = syscall(nr, fd, buffer, size)) > 0) {
        long at = 0;
        for (; at < n; at += *(unsigned short *)(buffer + at + 16)) {
            CHECK(*(unsigned short *)(buffer + at + 16) > 18);
            printf(" %s", buffer + at + (nr == SYS_getdents64 ? 19 : 18));
            seen++;
        }
        CHECK_EQ(at, n);
        calls++;
    }
    CHECK_EQ(n, 0);
    printf(" (%ld, %s)\n", seen, calls == seen ? "one by one" : "several at once");
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
}

// The same in several ways, of a directory named by path.
static MAYBE_UNUSED void print_listing(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    print_entries("large", fd, SYS_getdents64, 1 << 16);
    print_entries("old", fd, SYS_getdents, 1 << 16);
    print_entries("small", fd, SYS_getdents64, 24);
    print_entries("small, old", fd, SYS_getdents, 24);
    print_entries("middle", fd, SYS_getdents64, 80);
    CHECK_EQ(close(fd), 0);
}

// Whether a number is open: all ways must agree.
static MAYBE_UNUSED int is_open(int fd) {
    struct stat stat;
    struct statx statx_of;
    struct winsize winsize;
    int open = fcntl(fd, F_GETFD) >= 0;
    int say[] = {
        fcntl(fd, F_GETFL) >= 0,
        fcntl(fd, F_GETOWN) != -1 || errno != EBADF,
        fcntl(fd, F_SETFD, fcntl(fd, F_GETFD)) >= 0,
        syscall(SYS_fstat, fd, &stat) == 0,
        syscall(SYS_newfstatat, fd, "", &stat, AT_EMPTY_PATH) == 0,
        syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &statx_of) == 0,
        syscall(SYS_newfstatat, fd, "x", &stat, 0) < 0 && errno != EBADF,
        lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF,
        ioctl(fd, TIOCGWINSZ, &winsize) >= 0 || errno != EBADF,
        fsync(fd) >= 0 || errno != EBADF,
    };
    for (size_t i = 0; i < sizeof say / sizeof *say; i++)
        if (say[i] != open) check_failed(__FILE__, __LINE__, "the ways agree", (long)i, fd, 1, errno);
    int copy = dup(fd);
    CHECK_EQ(copy >= 0, open);
    if (copy >= 0) CHECK_EQ(close(copy), 0);
    return open;
}

static MAYBE_UNUSED void print_open(const char *what) {
    printf("%s:", what);
    for (int fd = -1; fd <= LAST_FD; fd++)
        if (is_open(fd)) printf(" %d", fd);
    printf("\n");
}

#endif
