// A SIGSYS or SIGILL that waits is let in by the mask of sigsuspend, pselect6, ppoll, epoll_pwait,
// epoll_pwait2 and io_pgetevents: its handler runs under that mask, and the call is EINTR; where
// something is ready it goes on waiting.
#include "check.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#define BIT(sig) (1ull << ((sig) - 1))
enum { KINDS = 6, SIGSUSPEND = 0, PSELECT, PPOLL, EPOLL_PWAIT, EPOLL_PWAIT2, IO_PGETEVENTS };
#ifndef SYS_io_pgetevents
#define SYS_io_pgetevents 333
#endif

static char order[8];
static volatile int handled;
static volatile uint64_t seen, value;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)context;
    uint64_t now;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
    seen = now;
    value = info->si_value.sival_int;
    order[handled++ & 7] = sig == SIGUSR1 ? 'u' : 's';
}

static int epoll, pipes[2];
static aio_context_t aio;
static long wait_under(int kind, uint64_t mask, int ready) {
    struct { uint64_t *set; size_t size; } pair = {&mask, 8};
    struct pollfd fd = {.fd = pipes[ready ? 1 : 0], .events = ready ? POLLOUT : POLLIN};
    struct epoll_event event;
    struct io_event done;
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd.fd, ready ? &out : &in);
    long result = -EINTR;
    switch (kind) {
    case SIGSUSPEND: result = raw2(SYS_rt_sigsuspend, &mask, 8); break;
    case PSELECT: result = raw6(SYS_pselect6, fd.fd + 1, &in, &out, NULL, NULL, &pair); break;
    case PPOLL: result = raw5(SYS_ppoll, &fd, 1, NULL, &mask, 8); break;
    case EPOLL_PWAIT: result = raw6(SYS_epoll_pwait, epoll, &event, 1, -1, &mask, 8); break;
    case EPOLL_PWAIT2: result = raw6(SYS_epoll_pwait2, epoll, &event, 1, NULL, &mask, 8); break;
    case IO_PGETEVENTS: result = raw6(SYS_io_pgetevents, aio, 1, 1, &done, NULL, &pair); break;
    }
    return result;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    const int signals[] = {SIGSYS, SIGILL};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(pipe(pipes), 0);
    CHECK((epoll = epoll_create1(0)) >= 0);
    int have_aio = raw2(SYS_io_setup, 1, &aio) == 0;
    for (int turn = 0; turn < 24; turn++)
        for (int kind = 0; kind < KINDS; kind++) {
            if (kind == IO_PGETEVENTS && !have_aio) continue;
            int sig = signals[turn & 1];
            uint64_t blocked = BIT(SIGSYS) | BIT(SIGILL) | BIT(SIGUSR1), now;
            uint64_t mask = BIT(SIGUSR2) | BIT(signals[~turn & 1]);
            CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8), 0);
            handled = 0;
            union sigval with = {.sival_int = turn};
            CHECK_EQ(turn & 2 ? sigqueue(getpid(), sig, with) : pthread_sigqueue(pthread_self(), sig, with), 0);
            CHECK_EQ(wait_under(kind, mask | BIT(SIGUSR1), 0), -EINTR);
            CHECK_EQ(handled, 1);
            CHECK_EQ(value, turn);
            CHECK_EQ(seen, mask | BIT(SIGUSR1) | BIT(sig));
            CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
            CHECK_EQ(now, blocked);
            // Beside another signal: both handlers run before the call returns.
            handled = 0;
            CHECK_EQ(kill(getpid(), SIGUSR1), 0);
            CHECK_EQ(pthread_kill(pthread_self(), sig), 0);
            CHECK_EQ(wait_under(kind, mask, 0), -EINTR);
            CHECK_EQ(handled, 2);
            CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
            CHECK_EQ(now, blocked);
            // Where the call blocks the signal that is open otherwise, it waits meanwhile.
            handled = 0;
            if (kind == PPOLL || kind == PSELECT) {
                CHECK_EQ(kill(getpid(), sig), 0);
                CHECK_EQ(wait_under(kind, mask, 1), 1);
                CHECK_EQ(handled, 0);
                sigset_t set;
                CHECK_EQ(sigpending(&set), 0);
                CHECK_EQ(sigismember(&set, sig), 1);
                blocked &= ~BIT(sig);
                CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8), 0);
                CHECK_EQ(handled, 1);
            }
        }
    PASS();
}
