// Codes above 0 are no sign of a fault: children end with SIGSYS, SIGILL, SIGTRAP and the like for their exit signal
// (CLD_EXITED is 1), and a process queues itself signals with the codes of faults and of seccomp, in the middle of calls
// and of waits. Each arrives at the handler as it was sent, and the call goes on.
#include "check.h"
#include "threads.h"

enum { ROUNDS = 300 };
static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP};
static _Atomic int arrived, code, number, over;

static void handler(int sig, siginfo_t *info, void *context) {
    (void)context;
    number = sig;
    code = info->si_code;
    arrived++;
}

static void *make_calls(void *unused) {
    for (long i = 0; !over; i++) {
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(syscall(600, i), -1);
        if (i % 64 == 0) usleep(1);
    }
    return unused;
}

static void queue_one(int sig, int new_code) {
    siginfo_t info = {.si_signo = sig, .si_code = new_code};
    int before = arrived;
    info.si_call_addr = (void *)0x1234;
    info.si_syscall = SYS_getpid;
    info.si_arch = 0xc000003e;
    CHECK_EQ(syscall(SYS_rt_sigqueueinfo, getpid(), sig, &info), 0);
    while (arrived == before) sched_yield();
    CHECK_EQ(arrived, before + 1);
    CHECK_EQ(number, sig);
    CHECK_EQ(code, new_code);
}

// To the thread that makes calls: only the first one may, and it blocks them.
static void queue_all(void) {
    sigset_t all;
    pthread_t thread = start_thread(make_calls, NULL, 0);
    sigfillset(&all);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) queue_one(signals[2 + round % 4], 1 + round / 4 % 4);
    over = 1;
    join_thread(thread);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    for (int i = 0; i < 6; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        int sig = signals[round % 6], before = arrived, status;
        pid_t child = (pid_t)syscall(SYS_clone, sig, 0, 0, 0, 0);
        CHECK(child >= 0);
        if (child == 0) _exit(round % 100);
        CHECK_EQ(waitpid(child, &status, __WALL), child);
        CHECK_EQ(WEXITSTATUS(status), round % 100);
        CHECK_EQ(arrived, before + 1);
        CHECK_EQ(number, sig);
        CHECK_EQ(code, CLD_EXITED);
        queue_one(sig, 1 + round / 6 % 4);
    }
    queue_all();
    PASS();
}
