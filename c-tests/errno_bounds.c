// Only -4095..-1 are errors, and results near that range, or in it without being
// errors (an offset of /proc/self/mem, a process group), arrive as the kernel gave them.
#include "check.h"
#include <sys/resource.h>

int main(void) {
    int memory = open("/proc/self/mem", O_RDONLY);
    CHECK(memory >= 0);
    static const long offsets[] = {0, 1, -1, -2, -38, -512, -513, -514, -516, -4094, -4095, -4096, -4097, -10000,
                                   0x7fffffffffffffff, (long)0x8000000000000000, 0x80000000, 0xffffffff};
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
            CHECK_EQ(raw3(SYS_lseek, memory, offsets[i], SEEK_SET), offsets[i]);
            CHECK_EQ(rawreg(SYS_lseek, memory, 0, SEEK_CUR, 0, 0, 0), offsets[i]);
            errno = 0;
            long by_libc = syscall(SYS_lseek, memory, 0, SEEK_CUR);
            int is_error = offsets[i] < 0 && offsets[i] >= -4095;
            CHECK_EQ(by_libc, is_error ? -1 : offsets[i]);
            CHECK_EQ(errno, is_error ? (int)-offsets[i] : 0);
        }
        // The kernel's getpriority gives 20 - nice, libc turns it round.
        errno = 0;
        int nice_value = getpriority(PRIO_PROCESS, 0);
        CHECK_EQ(errno, 0);
        CHECK_EQ(raw2(SYS_getpriority, PRIO_PROCESS, 0), 20 - nice_value);
        // The owner of a descriptor may be a process group: a negative number that is no error.
        int fds[2];
        CHECK_EQ(pipe(fds), 0);
        CHECK_EQ(raw3(SYS_fcntl, fds[0], F_SETOWN, -getpgrp()), 0);
        CHECK_EQ(raw3(SYS_fcntl, fds[0], F_GETOWN, 0), -getpgrp());
        CHECK_EQ(close(fds[0]) | close(fds[1]), 0);
        // A high mapping is a large result, not an error.
        void *at = mmap((void *)0x7ffff0000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(at != MAP_FAILED && errno == 0);
        CHECK_EQ(munmap(at, PAGE), 0);
        CHECK_EQ(raw1(SYS_brk, 0), (long)sbrk(0));
        CHECK_ERR(lseek(-1, 0, SEEK_SET), EBADF);
    }
    PASS();
}
