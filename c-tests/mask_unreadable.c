// A set that cannot be read changes nothing; one whose old set cannot be written is in force all the same. Both also
// where the two are in one place, for SIGSYS as for any signal.
#include "check.h"
#include <sys/mman.h>

enum { SIZE = 8 };

static long mask(int how, const void *set, void *old) { return syscall(SYS_rt_sigprocmask, how, set, old, SIZE) < 0 ? -errno : 0; }

static unsigned long now(void) {
    unsigned long set;
    CHECK_EQ(mask(SIG_BLOCK, NULL, &set), 0);
    return set;
}

int main(void) {
    const unsigned long both = 1ul << (SIGSYS - 1) | 1ul << (SIGUSR1 - 1), one = 1ul << (SIGUSR2 - 1);
    unsigned long *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    unsigned long set = both;
    CHECK_EQ(mask(SIG_SETMASK, &set, NULL), 0);
    CHECK_EQ(now(), both);

    CHECK_EQ(mprotect(page, 4096, PROT_NONE), 0);
    for (int how = SIG_BLOCK; how <= SIG_SETMASK; how++) {
        CHECK_EQ(mask(how, page, NULL), -EFAULT);
        CHECK_EQ(mask(how, page, page), -EFAULT);
        CHECK_EQ(mask(how, page, &set), -EFAULT);
        CHECK_EQ(mask(how, NULL, page), -EFAULT);
        CHECK_EQ(now(), both);
    }
    CHECK_EQ(set, both);

    CHECK_EQ(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
    page[0] = one;
    page[1] = both;
    CHECK_EQ(mprotect(page, 4096, PROT_READ), 0);
    CHECK_EQ(mask(SIG_SETMASK, page, page), -EFAULT);
    CHECK_EQ(now(), one);
    CHECK_EQ(mask(SIG_SETMASK, page + 1, page), -EFAULT);
    CHECK_EQ(now(), both);
    CHECK_EQ(mask(SIG_UNBLOCK, page + 1, (char *)page + 4), -EFAULT);
    CHECK_EQ(now(), 0);

    CHECK_EQ(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
    page[0] = both;
    CHECK_EQ(mask(SIG_SETMASK, page, page), 0);
    CHECK_EQ(page[0], 0);
    CHECK_EQ(now(), both);
    PASS();
}
