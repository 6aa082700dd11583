// The handler that interrupts a blocked call sees rip at the site (it will restart) or
// just behind it (EINTR), rax and the arguments as natively, and sender data in siginfo.
#include "interrupted_calls.h"
#include <ucontext.h>

extern char read_site[], read_after[];
long read_at(long fd, void *to, long count);
__asm__(".text\n"
        "read_at:\n"
        "  xor %eax, %eax\n"
        "  mov $0, %eax\n"
        "read_site:\n"
        "  syscall\n"
        "read_after:\n"
        "  ret\n");

static greg_t rip, rax, rdi, rdx, rsi;
static int code, value, sender, number, flags;
static sigset_t mask;
static void look(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    rip = c->uc_mcontext.gregs[REG_RIP];
    rax = c->uc_mcontext.gregs[REG_RAX];
    rdi = c->uc_mcontext.gregs[REG_RDI];
    rsi = c->uc_mcontext.gregs[REG_RSI];
    rdx = c->uc_mcontext.gregs[REG_RDX];
    flags = c->uc_stack.ss_flags;
    mask = c->uc_sigmask;
    code = info->si_code;
    value = info->si_value.sival_int;
    sender = info->si_pid;
    number = sig;
    handled++;
}

static pid_t victim;
static int wake;
static void *send_value(void *unused) {
    (void)unused;
    wait_until_asleep(getpid(), victim);
    siginfo_t info = {.si_signo = SIGRTMIN + 2, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_int = 4711;
    CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), victim, SIGRTMIN + 2, &info), 0);
    while (!handled) usleep(200);
    wait_until_asleep(getpid(), victim);
    if (wake >= 0) CHECK_EQ(write(wake, "y", 1), 1);
    return NULL;
}

int main(void) {
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    victim = getpid();
    char byte;
    for (int turn = 0; turn < 10; turn++) {
        int restart = turn & 1;
        struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO | (restart ? SA_RESTART : 0)};
        CHECK_EQ(sigaction(SIGRTMIN + 2, &action, NULL), 0);
        handled = 0;
        wake = restart ? fds[1] : -1;
        pthread_t thread = start_thread(send_value, NULL, 0);
        CHECK_EQ(read_at(fds[0], &byte, 1), restart ? 1 : -EINTR);
        while (pthread_tryjoin_np(thread, NULL)) usleep(5000);
        CHECK_EQ(handled, 1);
        // With SA_RESTART the kernel has moved rip back to the instruction and put the number in rax.
        // A site may be one instruction longer under the library: its beginning will do as well.
        if (restart)
            CHECK(rip == (greg_t)read_site || (rip == (greg_t)read_site - 5 && under_library()));
        else
            CHECK_EQ(rip, read_after);
        CHECK_EQ(rax, restart ? SYS_read : -EINTR);
        CHECK_EQ(rdi, fds[0]);
        CHECK_EQ(rsi, &byte);
        CHECK_EQ(rdx, 1);
        CHECK_EQ(code, SI_QUEUE);
        CHECK_EQ(value, 4711);
        CHECK_EQ(sender, getpid());
        CHECK_EQ(number, SIGRTMIN + 2);
        printf("%d\n", flags);
        CHECK_EQ(sigismember(&mask, SIGRTMIN + 2), 0);
        CHECK_EQ(sigismember(&mask, SIGSYS), 0);
    }
    PASS();
}
