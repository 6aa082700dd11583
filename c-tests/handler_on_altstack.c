// SA_ONSTACK handlers run on the alternate stack, the smallest allowed one included,
// make calls there, are nested there, and the stack reads back as in use.
#include "check.h"
#include <sys/auxv.h>

static char *low, *high;
static volatile sig_atomic_t ran, nestings;

static void check_place(int on_it) {
    char here;
    CHECK_EQ(&here >= low && &here < high, on_it);
    stack_t now;
    CHECK_EQ(raw2(SYS_sigaltstack, NULL, &now), 0);
    CHECK_EQ(now.ss_flags, on_it ? SS_ONSTACK : 0);
    CHECK_EQ(now.ss_sp, low);
    CHECK_EQ(now.ss_size, high - low);
    if (on_it) {
        stack_t other = {.ss_flags = SS_DISABLE};
        CHECK_EQ(raw2(SYS_sigaltstack, &other, NULL), -EPERM);
        CHECK_EQ(raw2(SYS_sigaltstack, &now, NULL), -EPERM);
    }
}

static void handler(int sig) {
    check_place(1);
    CHECK_EQ(raw0(SYS_getpid), getpid());
    CHECK_EQ(syscall(SYS_getppid), getppid());
    ran++;
    if (sig == SIGUSR2 && nestings-- > 0) {
        CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR2), 0);
        check_place(1);
    }
}

static void with_size(size_t size, int depth) {
    char *area = mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(area != MAP_FAILED);
    size_t rounded = (size + PAGE - 1) & ~(PAGE - 1ul);
    CHECK_EQ(mprotect(area + PAGE, rounded, PROT_READ | PROT_WRITE), 0);
    low = area + PAGE; // a guard page below it
    high = low + size;
    stack_t stack = {.ss_sp = low, .ss_size = size};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    check_place(0);
    for (int turn = 0; turn < 50; turn++) {
        ran = 0;
        nestings = depth;
        CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), depth ? SIGUSR2 : SIGUSR1), 0);
        CHECK_EQ(ran, depth + 1);
        check_place(0);
    }
    stack.ss_flags = SS_DISABLE;
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    CHECK_EQ(munmap(area, size + 2 * PAGE), 0);
}

int main(void) {
    size_t smallest = getauxval(AT_MINSIGSTKSZ);
    if (smallest < 2048) smallest = 2048;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_NODEFER};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    with_size(65536, 0);
    with_size(65536, 5);
    with_size(smallest + 1024, 0); // the handler's own frame needs a little
    with_size(3 * (smallest + 1024), 2);
    char small[4096];
    stack_t tiny = {.ss_sp = small, .ss_size = 2047};
    CHECK_EQ(raw2(SYS_sigaltstack, &tiny, NULL), -ENOMEM);
    PASS();
}
