// Whether other threads and processes sleep in the kernel.
#ifndef THREAD_STATE_H
#define THREAD_STATE_H
#include "check.h"

// The letter behind the name in the thread's stat: S when it sleeps; 0 when there is no such thread.
static MAYBE_UNUSED char thread_state(pid_t pid, pid_t tid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    char *at = strrchr(text, ')');
    return at ? at[2] : 0;
}

static MAYBE_UNUSED void wait_until_asleep(pid_t pid, pid_t tid) {
    // Asleep a few times in a row: not in some lock on its way into the call.
    for (int seen = 0; seen < 3; usleep(500)) seen = thread_state(pid, tid) == 'S' ? seen + 1 : 0;
}

// The same at the first look. Whoever has just been stopped is seen as stopped, or running, until it sleeps again.
static MAYBE_UNUSED void await_sleep(pid_t pid) {
    while (thread_state(pid, pid) != 'S') raw0(SYS_sched_yield);
}
#endif
