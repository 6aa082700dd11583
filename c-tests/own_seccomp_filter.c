// A seccomp filter of the application's own works: errnos that it gives arrive, a kill
// kills, and its traps reach the application's SIGSYS handler with number and arguments.
#include "check.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <ucontext.h>

static void install(unsigned nr, unsigned verdict) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, verdict),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
}

static void gives_errno(void) {
    install(SYS_getppid, SECCOMP_RET_ERRNO | EUCLEAN);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(raw0(SYS_getppid), -EUCLEAN);
        CHECK_ERR(syscall(SYS_getppid), EUCLEAN);
        CHECK_EQ(raw0(SYS_getpid), getpid());
    }
}

static void kills(void) {
    install(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    CHECK_EQ(raw0(SYS_getpid), getpid());
    raw0(SYS_getppid);
    _exit(9);
}

static volatile int trapped, number, data;
static volatile unsigned architecture;
static volatile greg_t first;
static void on_trap(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)sig;
    trapped++;
    CHECK_EQ(info->si_code, 1 /* SYS_SECCOMP */);
    number = info->si_syscall;
    architecture = info->si_arch;
    data = info->si_errno;
    first = c->uc_mcontext.gregs[REG_RDI];
    c->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void traps(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    install(SYS_setfsuid, SECCOMP_RET_TRAP | 55);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(raw1(SYS_setfsuid, 1234 + i), 4711);
        CHECK_EQ(trapped, i + 1);
        CHECK_EQ(number, SYS_setfsuid);
        CHECK_EQ(data, 55);
        CHECK_EQ(architecture, AUDIT_ARCH_X86_64);
        CHECK_EQ(first, 1234 + i);
        CHECK_EQ(raw0(SYS_getpid), getpid());
    }
}

int main(void) {
    int status;
    IN_CHILD(status, gives_errno());
    CHECK_EQ(status, 0);
    IN_CHILD(status, kills());
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGSYS);
    IN_CHILD(status, traps());
    CHECK_EQ(status, 0);
    PASS();
}
