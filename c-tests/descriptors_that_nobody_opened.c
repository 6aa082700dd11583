// A program that tries all numbers finds no descriptors but its own, at the start and after an exec: by fcntl, fstat,
// fstatat, dup, dup2 and dup3.
// static: yes
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void try_all(const char *when)
{
    struct stat stat;
    for (int fd = 3; fd < 8192; fd++) {
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
            printf("%s: fcntl %d\n", when, fd);
        if (fcntl(fd, F_DUPFD_CLOEXEC, 100) != -1 || errno != EBADF)
            printf("%s: F_DUPFD %d\n", when, fd);
        if (syscall(SYS_fstat, fd, &stat) != -1 || errno != EBADF)
            printf("%s: fstat %d\n", when, fd);
        if (fstatat(fd, "", &stat, AT_EMPTY_PATH) != -1 || errno != EBADF)
            printf("%s: fstatat %d\n", when, fd);
        if (dup(fd) != -1 || errno != EBADF)
            printf("%s: dup %d\n", when, fd);
        if (dup2(fd, 9000) != -1 || errno != EBADF)
            printf("%s: dup2 %d\n", when, fd);
        if (dup3(fd, 9000, O_CLOEXEC) != -1 || errno != EBADF)
            printf("%s: dup3 %d\n", when, fd);
    }
    printf("%s: done\n", when);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        try_all(argv[1]);
        return 0;
    }
    closefrom(3);
    struct rlimit limit = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &limit);
    try_all("first");
    execl("/proc/self/exe", argv[0], "executed", NULL);
    return 1;
}
