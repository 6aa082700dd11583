// O_ASYNC with F_SETSIG and an owner that is a thread, a process or a group: the owner gets the signal, with the descriptor
// and what has happened to it, also where the signal is one of faults; SIGSYS and SIGILL, of which one for a thread can get lost beside a trap,
// for the process; and in the midst of calls none gets lost.
#include "calls_beside.h"
#include <poll.h>
#include <sys/socket.h>

static volatile sig_atomic_t count, by, fd_of, band, code;
static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    (void)sig, (void)context;
    by = gettid();
    fd_of = info->si_fd, band = (int)info->si_band, code = info->si_code;
    CHECK_EQ(raw0(600), -ENOSYS);
    errno = saved;
    count++;
}

int main(void) {
    const int signals[] = {SIGRTMIN, SIGUSR1, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS, SIGILL, SIGIO};
    int pair[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pthread_t thread = start_thread(calls, NULL, 0);
    while (!other) usleep(20);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        CHECK_EQ(fcntl(pair[0], F_SETSIG, signals[i]), 0);
        CHECK_EQ(fcntl(pair[0], F_GETSIG), signals[i]);
        int ours = signals[i] == SIGSYS || signals[i] == SIGILL;
        for (int kind = ours; kind < 3 - ours; kind++) {
            struct f_owner_ex owner = {kind == 0 ? F_OWNER_TID : kind == 1 ? F_OWNER_PID : F_OWNER_TID, kind == 0 ? other : getpid()}, got;
            CHECK_EQ(fcntl(pair[0], F_SETOWN_EX, &owner), 0);
            CHECK_EQ(fcntl(pair[0], F_GETOWN_EX, &got), 0);
            CHECK_EQ(got.pid, owner.pid);
            CHECK_EQ(fcntl(pair[0], F_SETFL, O_ASYNC), 0);
            for (int turn = 0; turn < 30; turn++) {
                char byte;
                count = 0;
                CHECK_EQ(write(pair[1], "x", 1), 1);
                while (count == 0) usleep(20);
                if (kind != 1) CHECK_EQ(by, owner.pid);
                CHECK_EQ(fd_of, pair[0]);
                CHECK_EQ(code, signals[i] >= SIGRTMIN || signals[i] == SIGUSR1 || signals[i] == SIGIO ? POLL_IN : SI_SIGIO);
                CHECK_EQ(band & POLLIN, POLLIN);
                CHECK_EQ(read(pair[0], &byte, 1), 1);
            }
            CHECK_EQ(fcntl(pair[0], F_SETFL, 0), 0);
        }
    }
    over = 1;
    join_thread(thread);
    PASS();
}
