#!/usr/bin/env bash
# A child that could not run yet when its parent died is in the trace: here both have one CPU, of which a process outside
# of the tree takes the next fifth of a second. Skipped for those who may not have real-time priorities.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
cat >late.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void on_one_cpu(void) {
    cpu_set_t one;
    struct sched_param first = {.sched_priority = 1};
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    if (sched_setaffinity(0, sizeof one, &one) || sched_setscheduler(0, SCHED_FIFO, &first)) _exit(77);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

// late in FIFO: has the CPU for a while once the parent has; late out FIFO: the parent.
int main(int argc, char **argv) {
    char byte = 0;
    (void)argc;
    if (!strcmp(argv[1], "in")) {
        int fd = open(argv[2], O_RDONLY);
        on_one_cpu();
        if (read(fd, &byte, 1) != 1) return 1;
        for (double end = now() + 0.2; now() < end;) {}
        return 0;
    }
    int fd = open(argv[2], O_WRONLY);
    on_one_cpu();
    usleep(100000);                         // the other waits by now
    if (write(fd, &byte, 1) != 1) return 1; // it runs behind us, and before the child
    if (fork() == 0) {
        syscall(SYS_getpgid, 4321);
        _exit(0);
    }
    kill(getpid(), SIGKILL);
    return 1;
}
END
"${CC:-cc}" -O2 late.c -o late || exit 1
chrt -f 1 true 2>/dev/null || { echo "no real-time priorities"; exit 77; }
for supervisor in "$COMMAND trace -o out --" "env LD_PRELOAD=$LIB USERTRAP_TOOL=trace USERTRAP_OUT=$PWD/out"; do
    rm -f out wakes && mkfifo wakes
    ./late in wakes &
    # shellcheck disable=SC2086
    $supervisor ./late out wakes 2>/dev/null
    wait
    # Without the command nobody waits for the writer.
    for _ in $(seq 100); do
        grep -q 'getpgid(4321)' out && break
        sleep 0.02
    done
    grep -q 'getpgid(4321)' out || { fail "$supervisor: no line of the child's"; cat out >&2; }
done
finish
