// siginfo arrives whole while the thread is busy with calls: children's pid, uid and
// status, timers' values, queued values, the bad address and key of a fault.
#include "threads.h"
#include <time.h>

static volatile int children, timers, faults, exit_sum;
static volatile pid_t last_child;
static void on_child(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    CHECK(info->si_code == CLD_EXITED || info->si_code == CLD_KILLED);
    CHECK_EQ(info->si_signo, SIGCHLD);
    CHECK_EQ(info->si_uid, getuid());
    last_child = info->si_pid;
    exit_sum += info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
    __atomic_store_n(&children, children + 1, __ATOMIC_RELEASE);
}
static void on_timer(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    CHECK_EQ(info->si_code, SI_TIMER);
    CHECK(info->si_value.sival_int == 1234 || info->si_value.sival_int == 5678);
    CHECK(info->si_overrun >= 0);
    timers++;
}
static char *page;
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    CHECK_EQ(info->si_addr, page + 123);
    CHECK_EQ(info->si_code, SEGV_ACCERR);
    CHECK_EQ(raw3(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE), 0);
    faults++;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
    action.sa_sigaction = on_timer;
    CHECK_EQ(sigaction(SIGRTMIN + 1, &action, NULL), 0);
    action.sa_sigaction = on_fault;
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    timer_t ids[2];
    for (int i = 0; i < 2; i++) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
        event.sigev_value.sival_int = i ? 5678 : 1234;
        CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &ids[i]), 0);
        struct itimerspec every = {{0, 200000 + i * 70000}, {0, 100000}};
        CHECK_EQ(timer_settime(ids[i], 0, &every, NULL), 0);
    }
    int want = 0;
    for (int turn = 0; turn < 200; turn++) {
        int before = children;
        pid_t child = fork();
        if (child == 0) {
            if (turn % 4 == 3) raw2(SYS_kill, getpid(), SIGKILL);
            _exit(turn % 100);
        }
        want += turn % 4 == 3 ? -SIGKILL : turn % 100;
        while (__atomic_load_n(&children, __ATOMIC_ACQUIRE) == before) raw0(SYS_getppid), syscall(600);
        CHECK_EQ(last_child, child);
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(mprotect(page, PAGE, PROT_READ), 0);
        *(volatile char *)(page + 123) = 1;
        CHECK_EQ(faults, turn + 1);
    }
    CHECK_EQ(exit_sum, want);
    while (timers < 1000) raw0(SYS_getppid), rawreg(SYS_getuid, 0, 0, 0, 0, 0, 0);
    CHECK_EQ(timer_delete(ids[0]) | timer_delete(ids[1]), 0);
    PASS();
}
