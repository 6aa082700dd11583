// SIGTRAP of a perf event (TRAP_PERF), which comes at any instruction, also while its handler blocks it, and as often as it
// can between trapped calls: none is taken for a fault of somebody's, and no call gets lost.
#include "check.h"
#include <linux/perf_event.h>

#ifndef TRAP_PERF
#define TRAP_PERF 6
#endif
static volatile long perf, others;

static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    (void)sig, (void)context;
    if (info->si_code == TRAP_PERF)
        perf++;
    else
        others++;
    CHECK_EQ(syscall(601), -1);
    errno = saved;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
    struct perf_event_attr event = {
        .size = sizeof event,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .sample_period = 200000,
        .sigtrap = 1,
        .remove_on_exec = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    int fd = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) SKIP("no perf event sends SIGTRAP here");
    for (long i = 0; perf < 60; i++) {
        errno = 0;
        CHECK_EQ(syscall(600, i), -1);
        CHECK_EQ(errno, ENOSYS);
        CHECK_EQ(raw0(SYS_getpid), getpid());
    }
    close(fd);
    CHECK_EQ(others, 0);
    PASS();
}
