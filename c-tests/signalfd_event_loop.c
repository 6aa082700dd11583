// An event loop that blocks all signals and has them by a signalfd in an epoll, beside a pipe; then the same
// in a forked child, and in a program that it executes, with signals that waited before.
#include "signalfd.h"

enum { ROUNDS = 300 };
static int fd, epoll, pipes[2];

static void make_epoll(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    CHECK((epoll = epoll_create1(EPOLL_CLOEXEC)) >= 0);
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    event.data.fd = pipes[0];
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event), 0);
}

// Waits for as many of each, and no more.
static void expect(const int *signals, int bytes) {
    int seen[65] = {0}, got = 0, wanted = bytes;
    for (const int *s = signals; *s; s++) wanted++;
    while (wanted) {
        struct epoll_event events[4];
        int ready = epoll_wait(epoll, events, 4, 60000);
        CHECK(ready > 0);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == pipes[0]) {
                char byte;
                CHECK_EQ(read(pipes[0], &byte, 1), 1);
                got++, wanted--;
                continue;
            }
            struct signalfd_siginfo records[4];
            long length = read(fd, records, sizeof records);
            CHECK(length > 0 && length % (long)sizeof *records == 0);
            for (int j = 0; j < length / (long)sizeof *records; j++) {
                CHECK(records[j].ssi_signo <= 64);
                seen[records[j].ssi_signo]++;
                wanted--;
            }
        }
    }
    CHECK_EQ(got, bytes);
    for (const int *s = signals; *s; s++) CHECK_EQ(seen[*s]--, 1);
    struct epoll_event event;
    CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
}

static void loop(void) {
    const int all[] = {SIGSYS, SIGILL, SIGUSR1, SIGRTMIN, SIGCHLD, 0}, none[] = {0}, ours[] = {SIGSYS, SIGILL, 0};
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 30 == 0) {
            pid_t parent = getpid(), child = fork();
            if (child == 0) {
                for (const int *s = all; *s != SIGCHLD; s++)
                    if (kill(parent, *s)) _exit(1);
                _exit(write(pipes[1], "x", 1) != 1);
            }
            int status;
            expect(all, 1);
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK_EQ(status, 0);
        }
        CHECK_EQ(write(pipes[1], "x", 1), 1);
        if (i & 1) expect(none, 1);
        for (const int *s = ours; *s; s++) CHECK_EQ(i & 2 ? raise(*s) : kill(getpid(), *s), 0);
        expect(ours, ~i & 1);
    }
}

int main(int argc, char **argv) {
    const int ours[] = {SIGSYS, SIGILL, 0};
    int status;
    if (argc == 4) {
        fd = atoi(argv[1]), pipes[0] = atoi(argv[2]), pipes[1] = atoi(argv[3]);
        make_epoll();
        expect(ours, 0); // those that waited before
        loop();
        PASS();
    }
    sigset_t all;
    sigfillset(&all);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
    CHECK_EQ(pipe(pipes), 0);
    CHECK((fd = signalfd(-1, &all, SFD_NONBLOCK)) >= 0);
    make_epoll();
    loop();
    // A child has the descriptor, but not what waits for its parent.
    CHECK_EQ(raise(SIGSYS), 0);
    IN_CHILD(status, {
        struct signalfd_siginfo record;
        CHECK_EQ(read(fd, &record, sizeof record), -1);
        CHECK_EQ(raise(SIGILL), 0);
        CHECK_EQ(read(fd, &record, sizeof record), (long)sizeof record);
        CHECK_EQ(record.ssi_signo, SIGILL);
        close(epoll);
        make_epoll();
        loop();
    });
    CHECK_EQ(status, 0);
    const int with_child[] = {SIGSYS, SIGCHLD, 0};
    expect(with_child, 0);
    // The program that follows has all of it.
    CHECK_EQ(raise(SIGSYS), 0);
    CHECK_EQ(kill(getpid(), SIGILL), 0);
    char numbers[3][16];
    snprintf(numbers[0], 16, "%d", fd), snprintf(numbers[1], 16, "%d", pipes[0]), snprintf(numbers[2], 16, "%d", pipes[1]);
    execl("/proc/self/exe", argv[0], numbers[0], numbers[1], numbers[2], (char *)NULL);
    CHECK(0);
}
