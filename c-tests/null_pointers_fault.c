// NULL and other bad pointers give EFAULT from calls; a NULL function pointer, and
// a read or write of low addresses, still fault, and the handler sees where.
#include "check.h"
#include <setjmp.h>
#include <sys/stat.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile unsigned turn, i, writing;
static volatile unsigned long fault_address, fault_rip, fault_code;

static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)sig;
    fault_address = (unsigned long)info->si_addr;
    fault_rip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    fault_code = info->si_code;
    siglongjmp(back, 1);
}

static void calls(void) {
    CHECK_EQ(raw3(SYS_write, 1, NULL, 1), -EFAULT);
    CHECK_EQ(raw2(SYS_stat, NULL, NULL), -EFAULT);
    CHECK_EQ(raw2(SYS_stat, "/", NULL), -EFAULT);
    CHECK_EQ(raw4(SYS_openat, AT_FDCWD, NULL, 0, 0), -EFAULT);
    CHECK_EQ(raw1(SYS_pipe, NULL), -EFAULT);
    CHECK_EQ(raw1(SYS_uname, NULL), -EFAULT);
    CHECK_EQ(raw2(SYS_clock_gettime, 1, (void *)8), -EFAULT);
    CHECK_EQ(raw2(SYS_nanosleep, NULL, NULL), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigaction, SIGUSR1, (void *)16, NULL, 8), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigaction, SIGUSR1, NULL, (void *)16, 8), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, (void *)16, NULL, 8), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, (void *)16, 8), -EFAULT);
    CHECK_EQ(raw2(SYS_sigaltstack, (void *)16, NULL), -EFAULT);
    CHECK_EQ(raw2(SYS_sigaltstack, NULL, (void *)16), -EFAULT);
    CHECK_EQ(raw2(SYS_rt_sigsuspend, (void *)16, 8), -EFAULT);
    CHECK_EQ(raw5(SYS_ppoll, NULL, 0, (void *)16, NULL, 8), -EFAULT);
    CHECK_EQ(raw5(SYS_ppoll, NULL, 0, NULL, (void *)16, 8), -EFAULT);
    CHECK_EQ(raw6(SYS_pselect6, 0, NULL, NULL, NULL, NULL, (void *)16), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigtimedwait, (void *)16, NULL, NULL, 8), -EFAULT);
    CHECK_EQ(raw4(SYS_signalfd4, -1, (void *)16, 8, 0), -EFAULT);
    CHECK_EQ(raw2(SYS_clone3, (void *)16, 64), -EFAULT);
    CHECK_EQ(raw2(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, (void *)16), -EFAULT);
    // Kernel addresses and non-canonical ones.
    CHECK_EQ(raw3(SYS_write, 1, (void *)0xffffffff81000000, 1), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigaction, SIGUSR1, (void *)0x8000000000000000, NULL, 8), -EFAULT);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, (void *)0x8000000000000000, NULL, 8), -EFAULT);
    CHECK_EQ(raw2(SYS_sigaltstack, (void *)0xffffffff81000000, NULL), -EFAULT);
    // Sizes are checked before pointers.
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 7), -EINVAL);
    CHECK_EQ(raw4(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 16), -EINVAL);
    CHECK_EQ(raw2(SYS_rt_sigsuspend, (void *)16, 4), -EINVAL);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    for (turn = 0; turn < 3; turn++) {
        calls();
        void (*volatile nothing)(void) = NULL;
        if (!sigsetjmp(back, 1)) {
            nothing();
            CHECK(!"came back from NULL");
        }
        CHECK_EQ(fault_address, 0);
        CHECK_EQ(fault_rip, 0);
        CHECK_EQ(fault_code, SEGV_MAPERR);
        static const unsigned long bad[] = {0, 8, 64, 0x200, 0xfff, 0x1000, 0x8000};
        for (i = 0; i < sizeof bad / sizeof *bad; i++)
            for (writing = 0; writing < 2; writing++) {
                if (!sigsetjmp(back, 1)) {
                    volatile char *at = (volatile char *)bad[i];
                    __asm__("" : "+r"(at));
                    if (writing)
                        *at = 1;
                    else
                        (void)*at;
                    CHECK(!"low memory can be used");
                }
                CHECK_EQ(fault_address, bad[i]);
            }
    }
    PASS();
}
