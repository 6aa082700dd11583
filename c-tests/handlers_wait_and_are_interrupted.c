// modes: native trap rewrite fallback stat
// A handler that has interrupted a wait waits itself, and is interrupted by another signal: four waits deep, all at one
// site. Each ends with EINTR, or is restarted and gets what it waits for. And one handler again and again in itself.
#include "threads.h"
#include <linux/futex.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <time.h>
#include <ucontext.h>

enum { LEVELS = 4, COMBINATIONS = 600, DEEP = 12 };
#define GOODS (SIGRTMIN + 8)
#define BIT(sig) (1ull << ((sig) - 1))

static int pipes[DEEP][2], epolls[LEVELS], words[LEVELS];
static struct pollfd polled[LEVELS];
static struct epoll_event event;
static char byte[DEEP];
static const struct timespec long_time = {1000, 0};
static uint64_t goods;
static pid_t tid;
static volatile int level;
static sigjmp_buf back;

// The calls that wait; what ends them, and their result.
struct wait {
    long number, a, b, c, d, e, f;
    int restartable;
    long result;
};
enum { READ, PPOLL, EPOLL, FUTEX, POLL, NANOSLEEP, SUSPEND, TIMEDWAIT, KINDS };
static struct wait wait_of(int kind, int l) {
    switch (kind) {
    case READ: return (struct wait){SYS_read, pipes[l][0], (long)&byte[l], 1, 0, 0, 0, 1, 1};
    case PPOLL: return (struct wait){SYS_ppoll, (long)&polled[l], 1, 0, (long)&goods, 8, 0, 0, 1};
    case EPOLL: return (struct wait){SYS_epoll_pwait, epolls[l], (long)&event, 1, -1, (long)&goods, 8, 0, 1};
    case FUTEX: return (struct wait){SYS_futex, (long)&words[l], FUTEX_WAIT, 0, 0, 0, 0, 1, 0};
    case POLL: return (struct wait){SYS_poll, (long)&polled[l], 1, 1000000, 0, 0, 0, 0, 1};
    case NANOSLEEP: return (struct wait){SYS_nanosleep, (long)&long_time, 0, 0, 0, 0, 0, 0, -EINTR};
    case SUSPEND: return (struct wait){SYS_rt_sigsuspend, (long)&goods, 8, 0, 0, 0, 0, 0, -EINTR};
    default: return (struct wait){SYS_rt_sigtimedwait, (long)&goods, 0, 0, 8, 0, 0, 0, GOODS};
    }
}
static void end_wait(int kind, int l) {
    switch (kind) {
    case FUTEX: CHECK_EQ(syscall(SYS_futex, &words[l], FUTEX_WAKE, 1, NULL, NULL, 0), 1); break;
    case NANOSLEEP:
    case SUSPEND: CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, SIGUSR2), 0); break;
    case TIMEDWAIT: CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, GOODS), 0); break;
    default: CHECK_EQ(write(pipes[l][1], "x", 1), 1);
    }
}

// One combination: the wait of each level, whether it is restarted, and whether the last handler jumps away.
static int kinds[LEVELS], restarts[LEVELS], jumps;
static volatile long results[LEVELS];

static void wait_at(int l) {
    struct wait w = wait_of(kinds[l], l);
    level = l;
    results[l] = rawreg(w.number, w.a, w.b, w.c, w.d, w.e, w.f);
    level = l;
}

static void nothing(int sig) { CHECK_EQ(sig, SIGUSR2); }

// Level l's handler has interrupted the wait of level l - 1.
static void handler(int sig, siginfo_t *info, void *context) {
    const greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    int l = sig - SIGRTMIN;
    struct wait w = wait_of(kinds[l - 1], l - 1);
    CHECK_EQ(info->si_code, SI_TKILL);
    CHECK_EQ(level, l - 1);
    if (restarts[l - 1] && w.restartable) {
        // The site may be five bytes longer under the library.
        CHECK(r[REG_RIP] == (greg_t)rawreg_site || (under_library() && r[REG_RIP] == (greg_t)rawreg_site - 5));
        CHECK_EQ(r[REG_RAX], w.number);
    } else {
        CHECK_EQ(r[REG_RIP], rawreg_after);
        CHECK_EQ(r[REG_RAX], -EINTR);
    }
    CHECK_EQ(r[REG_RDI], w.a);
    CHECK_EQ(r[REG_RSI], w.b);
    CHECK_EQ(r[REG_RDX], w.c);
    CHECK_EQ(r[REG_R10], w.d);
    wait_at(l);
    if (jumps && l == LEVELS - 1) siglongjmp(back, 1);
    level = l - 1;
}

// Until the thread waits at this level, in this call.
static void until_it_waits(int l, long number) {
    char name[64], text[64];
    snprintf(name, sizeof name, "/proc/self/task/%d/syscall", tid);
    for (;; sched_yield()) {
        if (level != l) continue;
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0);
        ssize_t length = read(fd, text, sizeof text - 1);
        CHECK_EQ(close(fd), 0);
        if (length <= 0) continue;
        text[length] = 0;
        if (text[0] >= '0' && text[0] <= '9' && atol(text) == number) return;
    }
}

static void *interrupter(void *unused) {
    (void)unused;
    for (int l = 0; l < LEVELS; l++) {
        until_it_waits(l, wait_of(kinds[l], l).number);
        if (l + 1 < LEVELS) CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, SIGRTMIN + l + 1), 0);
    }
    end_wait(kinds[LEVELS - 1], LEVELS - 1);
    for (int l = LEVELS - 2; l >= 0 && !jumps; l--) {
        if (!restarts[l] || !wait_of(kinds[l], l).restartable) continue;
        until_it_waits(l, wait_of(kinds[l], l).number);
        end_wait(kinds[l], l);
    }
    return NULL;
}

static void combine(unsigned seed) {
    for (int l = 0; l < LEVELS; l++) {
        unsigned part = seed >> (4 * l);
        kinds[l] = part % KINDS, restarts[l] = part >> 3 & 1, results[l] = 4711;
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (restarts[l] ? SA_RESTART : 0)};
        if (seed >> 16 & 1) action.sa_flags |= SA_ONSTACK;
        if (l + 1 < LEVELS) CHECK_EQ(sigaction(SIGRTMIN + l + 1, &action, NULL), 0);
    }
    jumps = (seed >> 17) % 4 == 0;
    level = -1;
    sigset_t before, after;
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    static pthread_t thread;
    thread = start_thread(interrupter, NULL, 0);
    if (sigsetjmp(back, 1) == 0) wait_at(0);
    else CHECK(jumps);
    join_thread(thread);
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &after), 0);
    CHECK(!memcmp(&before, &after, 8));
    for (int l = 0; l < LEVELS; l++) {
        struct wait w = wait_of(kinds[l], l);
        int last = l == LEVELS - 1, is_again = restarts[l] && w.restartable;
        CHECK_EQ(results[l], jumps && !last ? 4711 : last || is_again ? w.result : -EINTR);
        char drained[4];
        struct pollfd fd = {.fd = pipes[l][0], .events = POLLIN};
        // What poll and its like have seen.
        int left = poll(&fd, 1, 0), seen = last && (kinds[l] == PPOLL || kinds[l] == EPOLL || kinds[l] == POLL);
        CHECK_EQ(left, seen);
        if (left) CHECK_EQ(read(pipes[l][0], drained, sizeof drained), 1);
    }
}

// The same handler in itself.
static void recursive(int sig) {
    int at = ++level, is_last = at == DEEP - 1;
    long result = rawreg(SYS_read, pipes[at][0], (long)&byte[at], 1, 0, 0, 0);
    CHECK_EQ(sig, SIGUSR1);
    CHECK_EQ(result, is_last || restarts[0] ? 1 : -EINTR);
    if (result == 1) CHECK_EQ(byte[at], 'a' + at);
    if (jumps && is_last) siglongjmp(back, 1);
    level = at - 1;
}
static void *recurser(void *unused) {
    (void)unused;
    for (int i = 0; i < DEEP; i++) {
        until_it_waits(i, SYS_read);
        if (i < DEEP - 1) CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, SIGUSR1), 0);
    }
    for (int i = DEEP - 1; i == DEEP - 1 || (i >= 0 && restarts[0] && !jumps); i--) {
        char letter = (char)('a' + i);
        until_it_waits(i, SYS_read);
        CHECK_EQ(write(pipes[i][1], &letter, 1), 1);
    }
    return NULL;
}
static void recurse(int restart, int jump) {
    struct sigaction action = {.sa_handler = recursive, .sa_flags = SA_NODEFER | (restart ? SA_RESTART : 0)};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    restarts[0] = restart, jumps = jump, level = -1;
    static pthread_t thread;
    thread = start_thread(recurser, NULL, 0);
    if (sigsetjmp(back, 1) == 0) CHECK_EQ(raw3(SYS_tgkill, getpid(), tid, SIGUSR1), 0);
    else CHECK(jump);
    join_thread(thread);
    CHECK_EQ(level, jump ? DEEP - 1 : -1);
}

int main(void) {
    tid = (pid_t)raw0(SYS_gettid);
    static char memory[1 << 17];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    for (int i = 0; i < DEEP; i++) CHECK_EQ(pipe(pipes[i]), 0);
    for (int l = 0; l < LEVELS; l++) {
        struct epoll_event in = {.events = EPOLLIN};
        CHECK((epolls[l] = epoll_create1(0)) > 0);
        CHECK_EQ(epoll_ctl(epolls[l], EPOLL_CTL_ADD, pipes[l][0], &in), 0);
        polled[l] = (struct pollfd){.fd = pipes[l][0], .events = POLLIN};
    }
    struct sigaction action = {.sa_handler = nothing};
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    goods = BIT(GOODS);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &goods, NULL, 8), 0);
    unsigned seed = 1;
    for (int i = 0; i < COMBINATIONS; i++) {
        seed = seed * 1664525 + 1013904223;
        combine(seed >> 8);
    }
    for (int i = 0; i < 12; i++) recurse(i & 1, i >> 1 & 1);
    PASS();
}
