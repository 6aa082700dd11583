// Calls with 0 to 6 arguments give the kernel's results, from immediate-number and
// register-number sites and through libc, on the first execution and on later ones.
#include "check.h"
#include <linux/futex.h>
#include <sys/uio.h>

static void zero_to_three(void) {
    CHECK_EQ(raw0(SYS_getpid), getpid());
    CHECK_EQ(raw0(SYS_gettid), syscall(SYS_gettid));
    CHECK_EQ(rawreg(SYS_getppid, 1, 2, 3, 4, 5, 6), getppid());
    CHECK_EQ(raw1(SYS_close, -1), -EBADF);
    CHECK_EQ(rawreg(SYS_close, -1, 0, 0, 0, 0, 0), -EBADF);
    int fds[2];
    CHECK_EQ(raw2(SYS_pipe2, fds, O_CLOEXEC), 0);
    CHECK_EQ(raw3(SYS_write, fds[1], "abcdef", 6), 6);
    char text[8] = "";
    CHECK_EQ(raw3(SYS_read, fds[0], text, 4), 4);
    CHECK_EQ(memcmp(text, "abcd", 4), 0);
    CHECK_EQ(raw3(SYS_write, fds[1], NULL, 0), 0);
    CHECK_EQ(raw3(SYS_write, fds[1], (void *)1, 1), -EFAULT);
    CHECK_EQ(rawreg(SYS_fcntl, fds[0], F_GETFD, 0, 0, 0, 0), FD_CLOEXEC);
    CHECK_EQ(raw1(SYS_close, fds[0]), 0);
    CHECK_EQ(raw1(SYS_close, fds[1]), 0);
    CHECK_EQ(raw1(SYS_close, fds[1]), -EBADF);
}

static void four_to_six(void) {
    int fd = raw2(SYS_memfd_create, "x", 0);
    CHECK(fd >= 0);
    CHECK_EQ(raw4(SYS_pwrite64, fd, "0123456789", 10, 5), 10);
    char text[16];
    CHECK_EQ(raw4(SYS_pread64, fd, text, 16, 7), 8);
    CHECK_EQ(memcmp(text, "23456789", 8), 0);
    CHECK_EQ(raw4(SYS_pread64, fd, text, 16, -1l), -EINVAL);
    struct iovec parts[2] = {{text, 3}, {text + 3, 4}};
    CHECK_EQ(raw5(SYS_preadv, fd, parts, 2, 5, 0), 7);
    CHECK_EQ(memcmp(text, "0123456", 7), 0);
    CHECK_EQ(raw6(SYS_preadv2, fd, parts, 2, 6, 0, 0), 7);
    CHECK_EQ(memcmp(text, "1234567", 7), 0);
    CHECK_EQ(raw6(SYS_preadv2, fd, parts, 2, 6, 0, 0x40000000), -EOPNOTSUPP);
    CHECK_EQ(rawreg(SYS_preadv2, fd, (long)parts, 2, 8, 0, 0), 7);
    CHECK_EQ(memcmp(text, "3456789", 7), 0);
    int to = raw2(SYS_memfd_create, "y", 0);
    long from_at = 10, to_at = 3;
    CHECK_EQ(raw6(SYS_copy_file_range, fd, &from_at, to, &to_at, 100, 0), 5);
    CHECK_EQ(from_at, 15);
    CHECK_EQ(to_at, 8);
    CHECK_EQ(raw6(SYS_copy_file_range, fd, &from_at, to, &to_at, 1, 1), -EINVAL);

    CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
    CHECK_EQ(pwrite(fd, "page two", 8, 2 * PAGE), 8);
    char *at = (char *)raw6(SYS_mmap, NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
    CHECK((unsigned long)at < -4095ul);
    CHECK_EQ(memcmp(at, "page two", 8), 0);
    CHECK_EQ(raw6(SYS_mmap, NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1), -EINVAL);
    CHECK_EQ(raw6(SYS_mmap, NULL, PAGE, PROT_READ, MAP_SHARED, -1, 0), -EBADF);
    CHECK_EQ(raw6(SYS_mmap, NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0), -EINVAL);
    CHECK_EQ(raw5(SYS_mremap, at, PAGE, PAGE, 0x1000, 0), -EINVAL);
    CHECK_EQ(raw2(SYS_munmap, at, PAGE), 0);

    int words[2] = {1, 1};
    CHECK_EQ(raw6(SYS_futex, &words[0], FUTEX_WAIT, 2, NULL, NULL, 0), -EAGAIN);
    CHECK_EQ(raw6(SYS_futex, &words[0], FUTEX_CMP_REQUEUE, 1, 1, &words[1], 1), 0);
    CHECK_EQ(raw6(SYS_futex, &words[0], FUTEX_CMP_REQUEUE, 1, 1, &words[1], 5), -EAGAIN);
    // FUTEX_WAKE_OP: set the second word to 7 if it was 1; all six arguments matter.
    CHECK_EQ(raw6(SYS_futex, &words[0], FUTEX_WAKE_OP, 1, 1, &words[1], FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_EQ, 1)), 0);
    CHECK_EQ(words[1], 7);
    CHECK_EQ(close(to), 0);
    CHECK_EQ(close(fd), 0);
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        zero_to_three();
        four_to_six();
    }
    PASS();
}
