// An rt_sigreturn that finds no frame is SIGSEGV, from the kernel, behind the call: it can be caught, and kills where it
// is blocked or left alone. One whose frame may be read and not written is as good as any.
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

extern char return_from_after[];
void return_from(unsigned long rsp);
__asm__(".text\n"
        ".type return_from,@function\n"
        "return_from:\n"
        "  .cfi_startproc\n"
        "  mov %rdi, %rsp\n"
        "  mov $15, %eax\n"
        "  syscall\n"
        "return_from_after:\n"
        "  hlt\n"
        "  .cfi_endproc\n"
        ".size return_from, .-return_from\n");

static sigjmp_buf back;
static volatile unsigned long rsp_wanted;
static volatile int caught;

static void on_fault(int sig, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("signal %d code %d address %p rip %+ld rax %lld rsp %+ld rcx %+ld\n", sig, info->si_code, info->si_addr,
           (long)(r[REG_RIP] - (greg_t)return_from_after), r[REG_RAX], (long)(r[REG_RSP] - rsp_wanted),
           (long)(r[REG_RCX] - (greg_t)return_from_after));
    caught++;
    siglongjmp(back, 1);
}

static void try_it(unsigned long rsp) {
    rsp_wanted = rsp;
    if (!sigsetjmp(back, 1)) return_from(rsp);
    CHECK_EQ(raw0(SYS_getppid), getppid());
}

static ucontext_t *page;
static volatile int arrived;
static void on_signal(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    // The kernel takes its frame wherever rsp says: the word before it has been popped.
    ucontext_t *c = context;
    memcpy(page, c, sizeof *c - sizeof c->__fpregs_mem - sizeof c->__ssp);
    CHECK_EQ(mprotect(page, PAGE, PROT_READ), 0);
    arrived++;
    return_from((unsigned long)page);
}

int main(void) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    char *none = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(none != MAP_FAILED);
    for (int i = 0; i < 100; i++) {
        try_it((unsigned long)none + PAGE);
        try_it(8);
        try_it(1ul << 62);
    }
    CHECK_EQ(caught, 300);
    fflush(stdout);
    int status;
    IN_CHILD(status, {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGSEGV);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        return_from((unsigned long)none + PAGE);
    });
    CHECK_EQ(status & 0x7f, SIGSEGV);
    IN_CHILD(status, {
        signal(SIGSEGV, SIG_DFL);
        return_from((unsigned long)none + PAGE);
    });
    CHECK_EQ(status & 0x7f, SIGSEGV);

    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    struct sigaction read_only = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGUSR1, &read_only, NULL), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    printf("arrived %d\n", arrived);
    PASS();
}
