// Counts the instructions of one call, exactly: it single-steps a child through it.
//
//   path-length [--kinds] [--least] [--upper] [--site inline|unwanted|unknown|libc] [NAME=VALUE...]
//
// The child runs with these settings added to its environment (LD_PRELOAD, USERTRAP_...) and makes calls at one site for
// ever: getpid, getuid (which the hooks that are measured do not ask for), number 500, or getpid by libc's syscall().
// Once the site is warm we attach and step: the count is of the instructions from the site's first one to the arrival
// behind it, the system call being one. Several calls are counted and must agree. --kinds says what they are, in lines
// of a name and a count (kinds.h). --upper: upper halves of vector registers are in use. --least: the calls may differ,
// since what is in use of the CPU's state may, and the shortest one is told.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "upper.h"

enum { WARM_UP = 10000, CALLS = 5, LONGEST = 1000000, TIME_LIMIT = 60 };

// A function that makes one call, between the labels NAME and NAME_end.
#define SITE(NAME, BEFORE, CODE, AFTER)                                                               \
    extern const char NAME[], NAME##_end[];                                                           \
    static __attribute__((noinline, noclone)) void make_##NAME(void)                                  \
    {                                                                                                 \
        __asm__ volatile(BEFORE #NAME ": " CODE "\n" #NAME "_end:" AFTER                              \
                         : : "b"(syscall)                                                             \
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");    \
    }
SITE(with_number, "", "mov $39, %%eax\n\tsyscall", "")
SITE(unwanted, "", "mov $102, %%eax\n\tsyscall", "")
SITE(unknown, "", "mov $500, %%eax\n\tsyscall", "")
// Below the red zone.
SITE(by_libc, "sub $128, %%rsp\n\tmov $39, %%edi\n", "call *%%rbx", "add $128, %%rsp\n\t")

static const struct site {
    const char *name, *start, *end;
    void (*make)(void);
} sites[] = {
    {"inline", with_number, with_number_end, make_with_number},
    {"unwanted", unwanted, unwanted_end, make_unwanted},
    {"unknown", unknown, unknown_end, make_unknown},
    {"libc", by_libc, by_libc_end, make_by_libc},
};

static const struct site *site_of(const char *name)
{
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++)
        if (!strcmp(sites[i].name, name)) return &sites[i];
    fprintf(stderr, "path-length: no site %s\n", name);
    exit(2);
}

static void loop(const struct site *site, bool upper)
{
    set_upper_halves(upper);
    for (int i = 0;; i++) {
        site->make();
        const char *ends[2] = {site->start, site->end};
        if (i == WARM_UP && write(1, ends, sizeof ends) != sizeof ends) _exit(1);
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

// One call, from where the child stands at the site's start; returns how many instructions it took.
static long count(uint64_t end, struct kinds *kinds)
{
    uint64_t at;
    long length = 0;
    do {
        at = step();
        if (++length == LONGEST) die("no end of the call");
        if (kinds && at != end) kinds_add(kinds, child, at);
    } while (at != end);
    return length;
}

int main(int argc, char **argv)
{
    const struct site *site = &sites[0];
    bool with_kinds = false, upper = false, least = false;
    int next = 1;
    for (; next < argc && argv[next][0] == '-'; next++) {
        if (!strcmp(argv[next], "--kinds")) with_kinds = true;
        else if (!strcmp(argv[next], "--upper")) upper = true;
        else if (!strcmp(argv[next], "--least")) least = true;
        else if (!strcmp(argv[next], "--loop") && next + 1 < argc) loop(site_of(argv[next + 1]), upper);
        else if (!strcmp(argv[next], "--site") && next + 1 < argc) site = site_of(argv[++next]);
        else return fprintf(stderr, "path-length: unknown option %s\n", argv[next]), 2;
    }

    int ends[2];
    if (pipe(ends) < 0) die("pipe");
    child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        while (next < argc) putenv(argv[next++]);
        if (upper) execl("/proc/self/exe", "path-length", "--upper", "--loop", site->name, (char *)0);
        else execl("/proc/self/exe", "path-length", "--loop", site->name, (char *)0);
        _exit(127);
    }
    close(ends[1]);
    signal(SIGALRM, too_long);
    alarm(TIME_LIMIT);

    uint64_t bounds[2]; // of the child's site
    if (read(ends[0], bounds, sizeof bounds) != sizeof bounds) die("the child did not get warm");
    int status;
    if (ptrace(PTRACE_ATTACH, child, 0, 0) < 0) die("attach");
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) die("stop");

    long lengths[CALLS];
    struct kinds kinds = {0};
    for (int call = 0; call < CALLS; call++) {
        while (step() != bounds[0]) {}
        struct kinds found = {0};
        if (with_kinds) kinds_add(&found, child, bounds[0]);
        lengths[call] = count(bounds[1], with_kinds ? &found : NULL);
        if (call == 0 || found.instructions < kinds.instructions) kinds = found;
    }
    kill(child, SIGKILL);
    for (int call = 1; call < CALLS; call++)
        if (least && lengths[call] < lengths[0]) {
            lengths[0] = lengths[call];
        } else if (!least && lengths[call] != lengths[0]) {
            fprintf(stderr, "path-length: the calls differ: %ld and %ld instructions\n", lengths[0], lengths[call]);
            return 1;
        }
    if (with_kinds) kinds_print(&kinds);
    else printf("%ld\n", lengths[0]);
    return 0;
}
