// modes: native trap rewrite fallback stat
// static: yes
// No number is open that is not natively, by any call that tells; the kernel's order of checks is kept,
// and the numbers from any one on are handed out as natively.
#include "fds.h"

int main(void) {
    int status;
    print_open("at the start");
    IN_CHILD(status, print_open("in a child"); fflush(stdout));
    CHECK_EQ(status, 0);
    for (int fd = 300; fd <= LAST_FD; fd++) {
        if (is_open(fd)) continue;
        CHECK_ERR(fcntl(fd, F_DUPFD, 0), EBADF);
        CHECK_ERR(fcntl(fd, F_DUPFD_CLOEXEC, 100000000), EBADF);
        CHECK_ERR(fcntl(fd, 12345), EBADF);
        CHECK_ERR(dup2(fd, fd), EBADF);
        CHECK_ERR(dup2(fd, 299), EBADF);
        CHECK_ERR(dup3(fd, fd, 0), EINVAL);
        CHECK_ERR(dup3(fd, 299, 12345), EINVAL);
        CHECK_ERR(dup2(298, fd), EBADF);
        CHECK_ERR(syscall(SYS_fstat, fd, 8), EBADF);
        CHECK_ERR(syscall(SYS_newfstatat, fd, 8, 8, 0), EFAULT);
        CHECK_ERR(ftruncate(fd, -1), EINVAL);
        CHECK_ERR(ftruncate(fd, 0), EBADF);
        CHECK_ERR(fchmod(fd, 0), EBADF);
        CHECK_ERR(close(fd), EBADF);
        // The kernel takes the low half of a descriptor's register.
        CHECK_EQ(syscall(SYS_fcntl, 0x700000000 + fd, F_GETFD), -1);
    }
    // Each number is the next one for who asks for it.
    for (int fd = 300; fd <= LAST_FD; fd++) {
        int free = fcntl(fd, F_GETFD) < 0;
        int copy = fcntl(0, fd % 2 ? F_DUPFD : F_DUPFD_CLOEXEC, fd);
        if (free) CHECK_EQ(copy, fd);
        CHECK_EQ(fcntl(copy, F_GETFD), fd % 2 ? 0 : FD_CLOEXEC);
        CHECK_EQ(close(copy), 0);
        CHECK_ERR(fcntl(copy, F_GETFD), EBADF);
    }
    // All in a row, by dup.
    int first = dup(0);
    CHECK_EQ(close(first), 0);
    for (int fd = first, copy; fd <= LAST_FD; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) continue;
        CHECK_EQ(copy = dup(0), fd);
    }
    print_listing("/proc/self/fd");
    CHECK_EQ(close_range((unsigned)first, ~0u, 0), 0);
    print_listing("/proc/self/fd");
    PASS();
}
