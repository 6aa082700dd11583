// A filter of the application's own decides on its calls also where the library serves them in
// another way than by making them: signal handlers, masks and stacks, new processes and programs,
// ends, descriptors, memory with code, the exe link; also of programs that use GS.
// also: sud
#include "own_filter.h"
#include <sched.h>

static char *const no_strings[] = {NULL};
static char page[PAGE] __attribute__((aligned(PAGE)));

static long call(int number) {
    static struct sigaction action;
    static stack_t stack;
    static char text[100];
    static uint64_t word;
    switch (number) {
    case SYS_rt_sigaction: return raw4(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
    case SYS_rt_sigprocmask: return raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &word, 8);
    case SYS_sigaltstack: return raw2(SYS_sigaltstack, NULL, &stack);
    case SYS_fork: return raw0(SYS_fork);
    case SYS_vfork: return raw0(SYS_vfork);
    case SYS_clone: return raw5(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    case SYS_clone3: {
        static uint64_t arguments[8] = {[4] = SIGCHLD};
        return raw2(SYS_clone3, arguments, sizeof arguments);
    }
    case SYS_execve: return raw3(SYS_execve, "/bin/true", no_strings, no_strings);
    case SYS_execveat: return raw5(SYS_execveat, AT_FDCWD, "/bin/true", no_strings, no_strings, 0);
    case SYS_exit: return raw1(SYS_exit, 9);
    case SYS_exit_group: return raw1(SYS_exit_group, 9);
    case SYS_dup: return raw1(SYS_dup, 1);
    case SYS_dup2: return raw2(SYS_dup2, 1, 9);
    case SYS_dup3: return raw3(SYS_dup3, 1, 9, 0);
    case SYS_fcntl: return raw3(SYS_fcntl, 1, F_DUPFD, 5);
    case SYS_close: return raw1(SYS_close, 1000);
    case SYS_close_range: return raw3(SYS_close_range, 700, ~0u, 0);
    case SYS_unshare: return raw1(SYS_unshare, 0);
    case SYS_mprotect: return raw3(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE);
    case SYS_mremap: return raw4(SYS_mremap, page, PAGE, PAGE, 0);
    case SYS_madvise: return raw3(SYS_madvise, page, PAGE, MADV_DONTNEED);
    case SYS_arch_prctl: return raw2(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &word);
    case SYS_readlink: return raw3(SYS_readlink, "/proc/self/exe", text, sizeof text);
    case SYS_openat: return raw3(SYS_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY);
    case SYS_getdents64: return raw3(SYS_getdents64, 1, text, sizeof text);
    case SYS_statfs: return raw2(SYS_statfs, "/proc/self/exe", page);
    case SYS_prctl: return raw5(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
    case SYS_seccomp: return raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
    }
    _exit(3);
}

static const int numbers[] = {
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sigaltstack, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_execve,
    SYS_execveat, SYS_exit, SYS_dup, SYS_dup2, SYS_dup3, SYS_fcntl, SYS_close, SYS_close_range, SYS_unshare, SYS_mprotect,
    SYS_mremap, SYS_madvise, SYS_arch_prctl, SYS_readlink, SYS_openat, SYS_getdents64, SYS_statfs, SYS_prctl, SYS_seccomp,
    SYS_exit_group,
};

static volatile int trapped;
static volatile long wanted;
static void on_trap(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)sig;
    CHECK_EQ(info->si_code, 1 /* SYS_SECCOMP */);
    CHECK_EQ(info->si_errno, 77);
    CHECK_EQ(info->si_syscall, wanted);
    CHECK_EQ(c->uc_mcontext.gregs[REG_RAX], wanted);
    CHECK_EQ(c->uc_mcontext.gregs[REG_RIP], (greg_t)info->si_call_addr);
    c->uc_mcontext.gregs[REG_RAX] = 4711;
    trapped++;
}

static void leave(int status) {
    raw1(SYS_exit_group, status);
    raw2(SYS_kill, getpid(), SIGKILL);
}

static void traps(int number) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    wanted = number;
    decide(number, SECCOMP_RET_TRAP | 77);
    for (int i = 1; i <= 4; i++) {
        CHECK_EQ(call(number), 4711);
        CHECK_EQ(trapped, i);
    }
    if (number == SYS_exit_group) raw1(SYS_exit, 0);
    leave(0);
}

static void fails(int number) {
    decide(number, SECCOMP_RET_ERRNO | 123);
    for (int i = 0; i < 4; i++) CHECK_EQ(call(number), -123);
    if (number == SYS_exit_group) raw1(SYS_exit, 0);
    leave(0);
}

static void dies(int number, unsigned verdict) {
    decide(number, verdict);
    call(number);
    leave(9);
}

static void logs(int number) {
    decide(number, SECCOMP_RET_LOG);
    CHECK(call(number) != -ENOSYS);
    leave(0);
}

static void all(void) {
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        int status, number = numbers[i];
        IN_CHILD(status, fails(number));
        if (status != 0) printf("%d does not fail: %#x\n", number, status);
        IN_CHILD(status, traps(number));
        if (status != 0) printf("%d does not trap: %#x\n", number, status);
        IN_CHILD(status, dies(number, SECCOMP_RET_KILL_PROCESS));
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) printf("%d does not kill: %#x\n", number, status);
        IN_CHILD(status, dies(number, SECCOMP_RET_KILL_THREAD));
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) printf("%d does not kill: %#x\n", number, status);
        if (number == SYS_dup || number == SYS_readlink || number == SYS_mprotect || number == SYS_rt_sigaction) {
            IN_CHILD(status, logs(number));
            if (status != 0) printf("%d is not let through: %#x\n", number, status);
        }
    }
}

int main(void) {
    all();
    // The same for a program that uses GS.
    CHECK_EQ(raw2(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, page), 0);
    all();
    PASS();
}
