// A signalfd is ready in poll, ppoll, select, pselect6, epoll_wait, epoll_pwait and epoll_pwait2, also nested
// and by edges, while a SIGSYS or SIGILL waits, and not else: sent before and while the call waits.
// In a trap another thread may take the signal (README, Limits).
// modes: native rewrite fallback stat command
#include "signalfd.h"
#include <time.h>

enum { POLL, PPOLL, PPOLL_MASK, SELECT, PSELECT, EPOLL, EPOLL_PWAIT, EPOLL_PWAIT2, NESTED, EDGE, KINDS };

static int fd, epoll, edges, outer, pipes[2];
static volatile int started, taken;

// How many are ready: the signalfd alone, or a pipe as well.
static long wait_by(int kind, int timeout) {
    struct pollfd fds[2] = {{.fd = pipes[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    struct timespec time = {0, 0}, *until = timeout ? NULL : &time;
    struct timeval val = {0, 0};
    struct epoll_event events[4];
    uint64_t mask = ~0ull;
    struct { uint64_t *set; size_t size; } packed = {&mask, 8};
    fd_set in;
    FD_ZERO(&in);
    FD_SET(pipes[0], &in);
    FD_SET(fd, &in);
    long result = -1;
    switch (kind) {
    case POLL: result = raw3(SYS_poll, fds, 2, timeout); break;
    case PPOLL: result = raw5(SYS_ppoll, fds, 2, until, NULL, 8); break;
    case PPOLL_MASK: result = raw5(SYS_ppoll, fds, 2, until, &mask, 8); break;
    case SELECT: result = raw5(SYS_select, 1000, &in, NULL, NULL, timeout ? NULL : &val); break;
    case PSELECT: result = raw6(SYS_pselect6, 1000, &in, NULL, NULL, until, &packed); break;
    case EPOLL: result = raw4(SYS_epoll_wait, epoll, events, 4, timeout); break;
    case EPOLL_PWAIT: result = raw6(SYS_epoll_pwait, epoll, events, 4, timeout, &mask, 8); break;
    case EPOLL_PWAIT2: result = raw6(SYS_epoll_pwait2, epoll, events, 4, until, NULL, 8); break;
    case NESTED: result = raw4(SYS_epoll_wait, outer, events, 4, timeout); break;
    case EDGE: result = rawreg(SYS_epoll_wait, edges, (long)events, 4, timeout, 0, 0); break;
    }
    if (result <= 0) return result;
    if (kind <= PPOLL_MASK) CHECK_EQ(fds[1].revents, POLLIN);
    if (kind <= PPOLL_MASK && result == 1) CHECK_EQ(fds[0].revents, 0);
    if (kind == SELECT || kind == PSELECT) CHECK(FD_ISSET(fd, &in) && (result == 2) == !!FD_ISSET(pipes[0], &in));
    if (kind >= EPOLL && result == 1) CHECK_EQ(events[0].data.fd, kind == NESTED ? epoll : fd);
    return result;
}

static int sig, sent_by;
static pid_t waiter;
static pthread_t waiting_thread;
static void *send_while_it_waits(void *argument) {
    (void)argument;
    union sigval with = {.sival_int = 7};
    pid_t process = getpid(), sender = gettid();
    int status;
    while (!started) usleep(200);
    wait_until_asleep(getpid(), waiter);
    switch (sent_by) {
    case KILL: CHECK_EQ(kill(getpid(), sig), 0); break;
    case PTHREAD_SIGQUEUE: CHECK_EQ(pthread_sigqueue(waiting_thread, sig, with), 0); break;
    default:
        // Not while this thread is about to take it for another.
        IN_CHILD(status, {
            wait_until_asleep(process, sender);
            CHECK_EQ(kill(process, sig), 0);
        });
        CHECK_EQ(status, 0);
    }
    while (!taken) usleep(200);
    return NULL;
}

static void take_one(void) {
    struct signalfd_siginfo record;
    CHECK_EQ(read(fd, &record, sizeof record), (long)sizeof record);
    CHECK_EQ(record.ssi_signo, sig);
    CHECK_EQ(read(fd, &record, sizeof record), -1);
}

static void all_kinds(void) {
    for (int kind = 0; kind < KINDS; kind++) {
        CHECK_EQ(wait_by(kind, 0), 0);
        for (int sender = 0; sender < SENDERS; sender++) {
            send_by(sender, sig, 1);
            CHECK_EQ(wait_by(kind, sender & 1 ? -1 : 0), 1);
            if (kind != EDGE) CHECK_EQ(wait_by(kind, 0), 1);
            CHECK_EQ(waits(sig), 1);
            if (kind != NESTED && kind != EDGE && kind < EPOLL) {
                CHECK_EQ(write(pipes[1], "x", 1), 1);
                CHECK_EQ(wait_by(kind, -1), 2);
                char byte;
                CHECK_EQ(read(pipes[0], &byte, 1), 1);
            }
            take_one();
            CHECK_EQ(wait_by(kind, 0), 0);
        }
        const int senders[] = {KILL, PTHREAD_SIGQUEUE, KILL_BY_CHILD};
        for (int i = 0; i < 6; i++) {
            sent_by = senders[i % 3];
            started = taken = 0;
            pthread_t thread = start_thread(send_while_it_waits, NULL, 0);
            started = 1;
            CHECK_EQ(wait_by(kind, i & 1 ? 100000 : -1), 1);
            take_one();
            taken = 1;
            join_thread(thread);
        }
    }
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    waiter = gettid();
    waiting_thread = pthread_self();
    CHECK_EQ(pipe(pipes), 0);
    for (int i = 0; i < 2; i++) {
        sig = signals[i];
        sigset_t only = set_of(sig, 0);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
        fd = signalfd(-1, &only, SFD_NONBLOCK);
        epoll = epoll_create1(0), edges = epoll_create1(0), outer = epoll_create1(0);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
        event.events |= EPOLLET;
        CHECK_EQ(epoll_ctl(edges, EPOLL_CTL_ADD, fd, &event), 0);
        event = (struct epoll_event){.events = EPOLLIN, .data.fd = epoll};
        CHECK_EQ(epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &event), 0);
        all_kinds();
        close(fd), close(epoll), close(edges), close(outer);
    }
    PASS();
}
