// Counts the instructions of one call, exactly: it single-steps a child through it.
//
//   path-length [NAME=VALUE...]
//
// The child runs with these settings added to its environment (LD_PRELOAD, USERTRAP_...) and makes getpid
// calls at one site for ever. Once the site is warm we attach and step: the count is of the instructions from
// the site's first one to the arrival behind its syscall, which counts as one. Several calls are counted and
// must agree.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM_UP = 10000, CALLS = 5, LONGEST = 1000000, SITE_LENGTH = 7, TIME_LIMIT = 60 };

extern const char site[];

static void loop(void)
{
    for (int i = 0;; i++) {
        long number;
        __asm__ volatile("site: mov $39, %%eax\n\tsyscall" : "=a"(number) : : "rcx", "r11", "memory");
        if (i == WARM_UP) {
            const char *address = site;
            if (write(1, &address, sizeof address) != sizeof address) _exit(1);
        }
    }
}

static pid_t child;

static void die(const char *what)
{
    fprintf(stderr, "path-length: %s: %s\n", what, strerror(errno));
    if (child > 0) kill(child, SIGKILL);
    exit(1);
}

static void too_long(int signal)
{
    (void)signal;
    kill(child, SIGKILL); // waitpid then sees its end
}

// One instruction; signals for the child other than our own are passed on. Returns where it stands.
static uint64_t step(void)
{
    static int pending;
    for (;;) {
        int status;
        if (ptrace(PTRACE_SINGLESTEP, child, 0, pending) < 0) die("singlestep");
        if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) die("the child is gone");
        pending = WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
        if (pending) continue;
        struct user_regs_struct registers;
        if (ptrace(PTRACE_GETREGS, child, 0, &registers) < 0) die("getregs");
        return registers.rip;
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "loop")) loop();

    int ends[2];
    if (pipe(ends) < 0) die("pipe");
    child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        for (int i = 1; i < argc; i++) putenv(argv[i]);
        execl("/proc/self/exe", "path-length", "loop", (char *)0);
        _exit(127);
    }
    close(ends[1]);
    signal(SIGALRM, too_long);
    alarm(TIME_LIMIT);

    uint64_t start;
    if (read(ends[0], &start, sizeof start) != sizeof start) die("the child did not get warm");
    int status;
    if (ptrace(PTRACE_ATTACH, child, 0, 0) < 0) die("attach");
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) die("stop");

    long lengths[CALLS];
    while (step() != start) {}
    for (int call = 0; call < CALLS; call++) {
        long length = 1;
        while (step() != start + SITE_LENGTH)
            if (++length == LONGEST) die("no end of the call");
        lengths[call] = length;
        while (step() != start) {}
    }
    kill(child, SIGKILL);
    for (int call = 1; call < CALLS; call++)
        if (lengths[call] != lengths[0]) {
            fprintf(stderr, "path-length: the calls differ: %ld and %ld instructions\n", lengths[0], lengths[call]);
            return 1;
        }
    printf("%ld\n", lengths[0]);
    return 0;
}
