// An ignored SIGSEGV, SIGBUS or SIGFPE that somebody sends ends no call, not even those that a handler with
// SA_RESTART would end; a fault kills in spite of it; actions read back as they were set.
#include "interrupted_calls.h"
#include <poll.h>
#include <sys/epoll.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
enum { SIGNALS = sizeof signals / sizeof *signals };

struct sender {
    pid_t victim;
    int fd;
};

static void *send_all(void *argument) {
    struct sender *s = argument;
    for (int i = 0; i < SIGNALS; i++) {
        wait_until_asleep(getpid(), s->victim);
        CHECK_EQ(syscall(SYS_tgkill, getpid(), s->victim, signals[i]), 0);
        CHECK_EQ(kill(getpid(), signals[i]), 0);
    }
    wait_until_asleep(getpid(), s->victim);
    CHECK_EQ(write(s->fd, "x", 1), 1);
    return NULL;
}

static long wait_by_poll(int fd) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return raw3(SYS_poll, &ready, 1, -1);
}

static long wait_by_epoll(int fd) {
    struct epoll_event event = {.events = EPOLLIN}, ready;
    int set = epoll_create1(0);
    CHECK(set >= 0);
    CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    long result = raw4(SYS_epoll_wait, set, &ready, 1, -1);
    close(set);
    return result;
}

static void check_read_back(void (*handler)(int), int flags) {
    struct sigaction now;
    for (int i = 0; i < SIGNALS; i++) {
        CHECK_EQ(sigaction(signals[i], NULL, &now), 0);
        CHECK_EQ(now.sa_handler, handler);
        CHECK_EQ(now.sa_flags & ~0x04000000, flags); // SA_RESTORER
    }
}

int main(void) {
    // An earlier handler, or a default that was set again, changes nothing.
    for (int round = 0; round < 3; round++) {
        struct sigaction action = {.sa_handler = round == 1 ? count_signal : SIG_DFL, .sa_flags = round ? SA_NODEFER : 0};
        for (int i = 0; i < SIGNALS; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        check_read_back(action.sa_handler, action.sa_flags);
        action.sa_handler = SIG_IGN;
        for (int i = 0; i < SIGNALS; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        check_read_back(SIG_IGN, action.sa_flags);
        for (int how = 0; how < 2; how++) {
            int ends[2];
            CHECK_EQ(pipe(ends), 0);
            struct sender sender = {gettid(), ends[1]};
            pthread_t thread = start_thread(send_all, &sender, 0);
            CHECK_EQ(how ? wait_by_epoll(ends[0]) : wait_by_poll(ends[0]), 1);
            join_thread(thread);
            close(ends[0]);
            close(ends[1]);
        }
        int status;
        IN_CHILD(status, __asm__ volatile("movl $1, 8"));
        CHECK_EQ(status & 0x7f, SIGSEGV);
        IN_CHILD(status, __asm__ volatile("cltd\n\tidivl %%ecx" ::"a"(1), "c"(0) : "rdx"));
        CHECK_EQ(status & 0x7f, SIGFPE);
    }
    PASS();
}
