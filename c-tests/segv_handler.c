// SIGSEGV, SIGBUS and SIGFPE handlers of the application get the address and code as
// natively, repair the cause and go on; between calls and inside handlers.
#include "check.h"
#include <setjmp.h>
#include <ucontext.h>

static char *page;
static volatile sig_atomic_t faults, code;
static void *volatile where;
static sigjmp_buf back;

static void repair(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    faults++;
    where = info->si_addr;
    code = info->si_code;
    CHECK_EQ(raw3(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void leave(int sig, siginfo_t *info, void *context) {
    (void)context;
    where = info->si_addr;
    code = info->si_code;
    siglongjmp(back, sig);
}

int main(void) {
    page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    for (int i = 0; i < 500; i++) {
        CHECK_EQ(mprotect(page, PAGE, i & 1 ? PROT_READ : PROT_NONE), 0);
        ((volatile char *)page)[i] = (char)i;
        CHECK_EQ(faults, i + 1);
        CHECK_EQ(where, page + i);
        CHECK_EQ(code, SEGV_ACCERR);
        CHECK_EQ(raw0(SYS_getpid), getpid());
    }
    action.sa_sigaction = leave;
    CHECK_EQ(sigaction(SIGBUS, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGFPE, &action, NULL), 0);
    int fd = memfd_create("empty", 0);
    volatile char *beyond = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(beyond != MAP_FAILED);
    int sig = sigsetjmp(back, 1);
    if (!sig) (void)*beyond;
    CHECK_EQ(sig, SIGBUS);
    CHECK_EQ(where, beyond);
    CHECK_EQ(code, BUS_ADRERR);
    sig = sigsetjmp(back, 1);
    if (!sig) {
        int one = 1, zero = 0;
        __asm__ volatile("cltd\n\tidivl %1" : "+a"(one), "+r"(zero)::"rdx", "cc");
    }
    CHECK_EQ(sig, SIGFPE);
    CHECK_EQ(code, FPE_INTDIV);
    PASS();
}
