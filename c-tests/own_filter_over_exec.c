// static: yes
// A filter that allows nothing but what a program's start and work need goes over to the programs that
// are executed: they live, have signals handled, execute others, and meet it.
// also: sud vetted
#include "exec.h"
#include "own_filter.h"

static const int numbers[] = {
    SYS_execve, SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_openat, SYS_open, SYS_read, SYS_pread64, SYS_fstat, SYS_newfstatat,
    SYS_stat, SYS_access, SYS_close, SYS_arch_prctl, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_prlimit64,
    SYS_getrandom, SYS_write, SYS_readlink, SYS_readlinkat, SYS_exit_group, SYS_fork, SYS_clone, SYS_wait4, SYS_rt_sigaction,
    SYS_kill, SYS_getpid, SYS_rt_sigreturn,
};

static volatile int handled;
static void on_signal(int sig) {
    (void)sig;
    handled++;
}

static void work(void) {
    struct sigaction action = {.sa_handler = on_signal};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(raw2(SYS_kill, raw0(SYS_getpid), SIGUSR1), 0);
    CHECK_EQ(handled, 5);
    int status;
    pid_t child = (pid_t)raw0(SYS_fork);
    if (child == 0) {
        raw2(SYS_sigaltstack, NULL, NULL); // which is not allowed
        raw1(SYS_exit_group, 9);
    }
    CHECK_EQ(raw4(SYS_wait4, child, &status, 0, NULL), child);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGSYS);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        work();
        int left = atoi(argv[2]);
        if (left == 0) return 3;
        char number[20];
        sprintf(number, "%d", left - 1);
        char *arguments[] = {"program", image_word(), number, NULL};
        raw3(SYS_execve, argv[3] ? argv[3] : "/proc/self/exe", arguments, environ);
        return 4;
    }
    know_self(argv);
    static const unsigned verdicts[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP};
    for (size_t i = 0; i < LENGTH(verdicts); i++) {
        char *arguments[] = {"program", image_word(), "3", NULL};
        RUNS_TO(3, (allow_only(numbers, LENGTH(numbers), verdicts[i], 0), execv(self, arguments)));
    }
    PASS();
}
