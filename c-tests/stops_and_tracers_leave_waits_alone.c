// modes: native trap rewrite fallback stat
// A process that waits in a call is stopped and continued, or attached to by a tracer and left again, many times: the
// call goes on, by restart_syscall if it has a timeout, and ends as if nothing had been; a handler still ends it. A
// signal that the mask of the wait keeps out comes as soon as the kernel has taken that mask back.
#include "thread_state.h"
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <time.h>
#include <ucontext.h>

enum { STOPS = 12 };
#define BIT(sig) (1ull << ((sig) - 1))

static struct { volatile int word, handled; volatile long result, behind, rax, mask_then; } *shared;
static int pipe_fds[2], epoll;
static struct timespec short_time = {0, 30000000}, long_time = {1000, 0}, left;
static struct pollfd polled;
static struct epoll_event event;
static const uint64_t none;

static uint64_t hup, usr1;
static const struct { const uint64_t *set; size_t size; } packed = {&none, 8};
static char byte;
static int total;

#define P(x) ((long)(x))
struct wait {
    const char *name;
    long number, args[6];
    enum { BY_ITSELF, BY_BYTE, BY_WAKE, BY_SIGNAL, BY_CHILD, NEVER } end;
    int kept_out; // SIGUSR1 is blocked while it waits, and comes then
};

static void count_signal(int sig, siginfo_t *info, void *context) {
    const ucontext_t *c = context;
    uint64_t now;
    (void)sig, (void)info;
    shared->behind = c->uc_mcontext.gregs[REG_RIP] == (greg_t)rawreg_after;
    shared->rax = c->uc_mcontext.gregs[REG_RAX];
    memcpy(&now, &c->uc_sigmask, 8);
    CHECK_EQ(now, hup);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
    shared->mask_then = (long)now;
    shared->handled++;
}

__attribute__((noreturn)) static void victim(const struct wait *w, int warm, int restarts) {
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO | (restarts ? SA_RESTART : 0)};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &hup, NULL, 8), 0);
    long first = w->args[0];
    if (w->end == BY_CHILD && (first = fork()) == 0) {
        char unused;
        _exit(read(pipe_fds[0], &unused, 1) != 1);
    }
    for (int i = 0; i < warm; i++) rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
    shared->result = rawreg(w->number, first, w->args[1], w->args[2], w->args[3], w->args[4], w->args[5]);
    if (w->end == BY_CHILD && shared->result == first) shared->result = 1;
    _exit(0);
}

// True if it waits in the call, false if it has ended.
static int waits(pid_t pid, long number) {
    char name[64], text[64];
    snprintf(name, sizeof name, "/proc/%d/syscall", pid);
    for (;; sched_yield()) {
        siginfo_t info = {0};
        CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        if (info.si_pid == pid) return 0;
        // One that is about to sleep, behind a stop, is seen in its call already.
        if (thread_state(pid, pid) != 'S') continue;
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        ssize_t length = read(fd, text, sizeof text - 1);
        close(fd);
        if (length <= 0) continue;
        text[length] = 0;
        if (text[0] < '0' || text[0] > '9') continue;
        long now = atol(text);
        if (now == number || now == SYS_restart_syscall) return 1;
    }
}

// Stops it and lets it go on; false if it has ended meanwhile.
static int disturb(pid_t pid, int way) {
    int status;
    siginfo_t info;
    switch (way) {
    case 0:
        CHECK_EQ(kill(pid, SIGSTOP), 0);
        CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT), 0);
        if (info.si_code != CLD_STOPPED) return 0;
        CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK_EQ(kill(pid, SIGCONT), 0);
        return 1;
    case 1:
        if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0) return 0;
        break;
    default:
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) return 0;
        CHECK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 || errno == ESRCH);
    }
    CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL), 0);
    if (info.si_code == CLD_EXITED) return 0;
    CHECK_EQ(waitpid(pid, &status, __WALL), pid);
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
    return 1;
}

static void try_wait(const struct wait *w, int way, int warm, int restarts) {
    char drained[8];
    int status;
    shared->handled = 0;
    shared->result = 4711;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) victim(w, warm, restarts);
    int times = 0;
    if (w->kept_out) {
        CHECK(waits(pid, w->number));
        CHECK_EQ(kill(pid, SIGUSR1), 0);
        CHECK(waits(pid, w->number));
        CHECK_EQ(shared->handled, 0);
    }
    while ((w->end == BY_ITSELF || times < STOPS) && waits(pid, w->number) && disturb(pid, way)) times++;
    CHECK(times > 0 || w->end == BY_ITSELF);
    total += times;
    if (w->end == NEVER) {
        // A handler ends it, in the middle of all that.
        CHECK(waits(pid, w->number));
        CHECK_EQ(kill(pid, SIGUSR1), 0);
        while (!shared->handled) sched_yield();
    } else if (w->end != BY_ITSELF && waits(pid, w->number)) {
        switch (w->end) {
        case BY_WAKE: CHECK_EQ(syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0), 1); break;
        case BY_SIGNAL: CHECK_EQ(kill(pid, SIGUSR1), 0); break;
        default: CHECK_EQ(write(pipe_fds[1], "x", 1), 1);
        }
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    printf("%s: %ld", w->name, shared->result);
    if (shared->handled) printf(", %d at %ld: rax %ld, mask %#lx", shared->handled, shared->behind, shared->rax, shared->mask_then);
    puts("");
    struct pollfd fd = {.fd = pipe_fds[0], .events = POLLIN};
    if (poll(&fd, 1, 0) == 1) CHECK_EQ(read(pipe_fds[0], drained, sizeof drained), 1);
}

int main(void) {
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    hup = BIT(SIGHUP), usr1 = BIT(SIGUSR1);
    CHECK_EQ(pipe(pipe_fds), 0);
    struct epoll_event in = {.events = EPOLLIN};
    CHECK((epoll = epoll_create1(0)) > 0);
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_fds[0], &in), 0);
    polled = (struct pollfd){.fd = pipe_fds[0], .events = POLLIN};
    const struct wait all[] = {
        {"nanosleep", SYS_nanosleep, {P(&short_time), P(&left)}, BY_ITSELF, 0},
        {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, P(&short_time), P(&left)}, BY_ITSELF, 0},
        {"poll with a timeout", SYS_poll, {P(&polled), 1, 30}, BY_ITSELF, 0},
        {"ppoll with a timeout", SYS_ppoll, {P(&polled), 1, P(&short_time), P(&none), 8}, BY_ITSELF, 0},
        {"pselect6 with a timeout", SYS_pselect6, {0, 0, 0, 0, P(&short_time), P(&packed)}, BY_ITSELF, 0},
        {"futex with a timeout", SYS_futex, {P(&shared->word), FUTEX_WAIT, 0, P(&short_time)}, BY_ITSELF, 0},
        {"a long nanosleep", SYS_nanosleep, {P(&long_time), P(&left)}, NEVER, 0},
        {"a long poll", SYS_poll, {P(&polled), 1, 1000000}, NEVER, 0},
        {"a long futex", SYS_futex, {P(&shared->word), FUTEX_WAIT, 0, P(&long_time)}, NEVER, 0},
        {"a long poll that ends", SYS_poll, {P(&polled), 1, 1000000}, BY_BYTE, 0},
        {"a long futex that ends", SYS_futex, {P(&shared->word), FUTEX_WAIT, 0, P(&long_time)}, BY_WAKE, 0},
        {"read", SYS_read, {pipe_fds[0], P(&byte), 1}, BY_BYTE, 0},
        {"futex", SYS_futex, {P(&shared->word), FUTEX_WAIT, 0, 0}, BY_WAKE, 0},
        {"ppoll", SYS_ppoll, {P(&polled), 1, 0, P(&none), 8}, BY_BYTE, 0},
        {"pselect6", SYS_pselect6, {0, 0, 0, 0, 0, P(&packed)}, BY_SIGNAL, 0},
        {"epoll_pwait", SYS_epoll_pwait, {epoll, P(&event), 1, -1, P(&none), 8}, BY_BYTE, 0},
        {"rt_sigsuspend", SYS_rt_sigsuspend, {P(&none), 8}, BY_SIGNAL, 0},
        {"pause", SYS_pause, {0}, BY_SIGNAL, 0},
        {"rt_sigtimedwait", SYS_rt_sigtimedwait, {P(&hup), 0, 0, 8}, BY_SIGNAL, 0},
        {"wait4", SYS_wait4, {0, 0, 0, 0}, BY_CHILD, 0},
        {"epoll_pwait, kept out", SYS_epoll_pwait, {epoll, P(&event), 1, -1, P(&usr1), 8}, BY_BYTE, 1},
        {"ppoll, kept out", SYS_ppoll, {P(&polled), 1, 0, P(&usr1), 8}, BY_BYTE, 1},
    };
    for (int turn = 0; turn < 2; turn++)
        for (int way = 0; way < 3; way++)
            for (size_t i = 0; i < sizeof all / sizeof *all; i++) try_wait(&all[i], way, turn * 2, way & 1);
    fprintf(stderr, "%d disturbances\n", total);
    PASS();
}
