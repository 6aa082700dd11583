// modes: native rewrite
// While another process sends fault signals and others all the time, calls with pointers that lead nowhere fail as
// ever, and each signal arrives. sent_faults_under_tools.sh runs this where the pointers are looked at.
#include "check.h"

enum { CALLS = 20000, MUCH = 500 << 10 };
static volatile long handled;
static volatile int wrong;
static void handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    handled++;
    // Of a process, not of an instruction.
    if (info->si_code > 0 || info->si_signo != signal) wrong++;
}

int main(void) {
    static const int signals[] = {SIGUSR1, SIGSEGV, SIGBUS, SIGUSR2, SIGSEGV};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    // A copy of more than that takes long, and fails.
    char *much = mmap(NULL, MUCH + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(much != MAP_FAILED);
    memset(much, 'x', MUCH);
    CHECK_EQ(mprotect(much + MUCH, PAGE, PROT_NONE), 0);
    pid_t parent = getpid(), child = fork();
    CHECK(child >= 0);
    if (child == 0)
        for (unsigned i = 0;; i++)
            if (kill(parent, signals[i % 5]) != 0 || getppid() != parent) _exit(0);
    while (handled == 0) raw0(SYS_sched_yield);
    for (int i = 0; i < CALLS; i++) {
        CHECK_EQ(raw1(SYS_chdir, 16), -EFAULT);
        if (i % 10 == 0) CHECK_EQ(raw1(SYS_chdir, much), -ENAMETOOLONG);
    }
    CHECK_EQ(kill(child, SIGKILL), 0);
    CHECK_EQ(waitpid(child, NULL, 0), child);
    CHECK_EQ(wrong, 0);
    PASS();
}
