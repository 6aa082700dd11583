// rt_sigpending writes as many bytes as it is asked for, also with SIGSYS pending, up to the end of the memory there is.
#include "check.h"

int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigaddset(&set, SIGUSR1);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    CHECK_EQ(raise(SIGSYS), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    uint64_t want = 1ull << (SIGSYS - 1) | 1ull << (SIGUSR1 - 1);
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK_EQ(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    for (int size = 0; size <= 8; size++) {
        char *end = pages + 4096, *start = end - 16;
        memset(start, 0, 16);
        CHECK_EQ(syscall(SYS_rt_sigpending, end - size, size), 0);
        CHECK(!memcmp(end - size, &want, size));
        memset(start, 0, 16);
        CHECK_EQ(syscall(SYS_rt_sigpending, start, size), 0);
        CHECK(!memcmp(start, &want, size));
        for (int at = size; at < 16; at++) CHECK_EQ(start[at], 0);
    }
    CHECK_ERR(syscall(SYS_rt_sigpending, pages, 9), EINVAL);
    PASS();
}
