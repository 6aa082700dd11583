// A program whose filter allows nothing but what it calls lives as natively, whatever else the
// filter says: its signals are handled, on an alternate stack too, its masks and waits are kept,
// new code of it calls, and threads and processes of it live.
#include "code.h"
#include "own_filter.h"
#include <poll.h>
#include <pthread.h>

static const int numbers[] = {
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_kill, SYS_tgkill, SYS_rt_sigreturn, SYS_rt_sigaction, SYS_sigaltstack,
    SYS_write, SYS_exit_group, SYS_exit, SYS_wait4, SYS_fork, SYS_clone, SYS_clone3, SYS_futex, SYS_mmap, SYS_munmap,
    SYS_mprotect, SYS_set_robust_list, SYS_rseq, SYS_madvise, SYS_ppoll, SYS_pipe2, SYS_dup2, SYS_close,
};

static volatile int handled;
static char alternate[64 * 1024];
static void on_signal(int sig) {
    (void)sig;
    char here;
    CHECK(&here > alternate && &here < alternate + sizeof alternate);
    handled++;
    raw0(SYS_getppid);
}

static void *in_thread(void *arg) {
    long pid = raw0(SYS_getpid);
    for (int i = 0; i < 5; i++) CHECK_EQ(raw0(SYS_getpid), pid);
    return arg;
}

// A new site in new memory, as a JIT makes it.
static void new_code(void) {
    unsigned char *at = (void *)raw6(SYS_mmap, NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    emit_call(at, SYS_getpid);
    CHECK_EQ(raw3(SYS_mprotect, at, PAGE, PROT_READ | PROT_EXEC), 0);
    for (int i = 0; i < 20; i++) CHECK_EQ(CALL(at), raw0(SYS_getpid));
    CHECK_EQ(raw3(SYS_mprotect, at, PAGE, PROT_READ | PROT_WRITE), 0);
    emit_call(at, SYS_getppid);
    CHECK_EQ(raw3(SYS_mprotect, at, PAGE, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(CALL(at), raw0(SYS_getppid));
    CHECK_EQ(raw2(SYS_munmap, at, PAGE), 0);
}

static void signals(void) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, now;
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK(now.ss_sp == alternate);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK}, before;
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &before), 0);
    CHECK(before.sa_handler == on_signal);
    long pid = raw0(SYS_getpid), tid = raw0(SYS_gettid);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(raw2(SYS_kill, pid, SIGUSR1), 0);
        CHECK_EQ(raw3(SYS_tgkill, pid, tid, SIGUSR1), 0);
    }
    CHECK_EQ(handled, 40);
    struct timespec none = {0, 0};
    uint64_t mask = 1 << (SIGUSR1 - 1);
    CHECK_EQ(raw5(SYS_ppoll, NULL, 0, &none, &mask, 8), 0);
}

static void everything(unsigned verdict) {
    CHECK_EQ(allow_only(numbers, LENGTH(numbers), verdict, 0), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(raw0(SYS_getpid), raw0(SYS_gettid));
    signals();
    new_code();
    pid_t child = (pid_t)raw0(SYS_fork);
    if (child == 0) {
        handled = 0;
        signals();
        new_code();
        raw1(SYS_exit_group, 5);
    }
    int status;
    CHECK_EQ(raw4(SYS_wait4, child, &status, 0, NULL), child);
    CHECK_EQ(status, 5 << 8);
    int ends[2];
    CHECK_EQ(raw2(SYS_pipe2, ends, 0), 0);
    CHECK_EQ(raw2(SYS_dup2, ends[0], 40), 40);
    CHECK_EQ(raw1(SYS_close, 40), 0);
}

// glibc's threads block signals besides, look at the limit of the stack, and allocate.
static void threads(unsigned verdict) {
    static const int besides[] = {SYS_rt_sigprocmask, SYS_prlimit64, SYS_getrandom, SYS_brk};
    static int more[LENGTH(numbers) + LENGTH(besides)];
    memcpy(more, numbers, sizeof numbers);
    memcpy(more + LENGTH(numbers), besides, sizeof besides);
    pthread_attr_t attributes;
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(allow_only(more, LENGTH(more), verdict, 0), 0);
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        void *result;
        CHECK_EQ(pthread_create(&thread, NULL, in_thread, &more), 0);
        CHECK_EQ(pthread_join(thread, &result), 0);
        CHECK(result == &more);
    }
    raw1(SYS_exit_group, 0);
}

int main(void) {
    static const unsigned verdicts[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
                                        SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF,
                                        SECCOMP_RET_TRACE};
    for (size_t i = 0; i < LENGTH(verdicts); i++) {
        int status;
        IN_CHILD(status, { everything(verdicts[i]); raw1(SYS_exit_group, 0); });
        CHECK_EQ(status, 0);
        IN_CHILD(status, threads(verdicts[i]));
        CHECK_EQ(status, 0);
    }
    PASS();
}
