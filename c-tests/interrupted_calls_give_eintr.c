// Without SA_RESTART a handler makes blocking calls return EINTR, once, at a site's
// first execution and later; calls that never restart do so with SA_RESTART as well.
#include "interrupted_calls.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

int main(void) {
    int fds[2], pair[2], word = 0;
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), epoll = epoll_create1(0);
    CHECK(listener >= 0 && epoll >= 0);
    struct { unsigned short family; char path[6]; } name = {AF_UNIX, ""};
    CHECK_EQ(bind(listener, (void *)&name, 2), 0);
    CHECK_EQ(listen(listener, 1), 0);
    char byte;
    sigset_t none;
    sigemptyset(&none);
    struct pollfd polled = {.fd = fds[0], .events = POLLIN};
    struct epoll_event event;
    for (int turn = 0; turn < 3; turn++) {
        struct timespec left = {0, 0}, sleep = {100, 0};
        catch_signal(SIGUSR1, 0);
        CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw3(SYS_read, fds[0], &byte, 1)), -EINTR);
        CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, rawreg(SYS_read, fds[0], (long)&byte, 1, 0, 0, 0)), -EINTR);
        CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw6(SYS_recvfrom, pair[0], &byte, 1, 0, NULL, NULL)), -EINTR);
        CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw3(SYS_accept, listener, NULL, NULL)), -EINTR);
        CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw6(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0)), -EINTR);
        for (int restart = 0; restart < 2; restart++) {
            catch_signal(SIGUSR1, restart ? SA_RESTART : 0);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw2(SYS_nanosleep, &sleep, &left)), -EINTR);
            CHECK(left.tv_sec > 0 && left.tv_sec <= 100);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &sleep, &left)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw3(SYS_poll, &polled, 1, 100000)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw3(SYS_poll, NULL, 0, -1)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw5(SYS_ppoll, &polled, 1, NULL, &none, 8)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw0(SYS_pause)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw2(SYS_rt_sigsuspend, &none, 8)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw5(SYS_select, 0, NULL, NULL, NULL, NULL)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw4(SYS_epoll_wait, epoll, &event, 1, -1)), -EINTR);
            CHECK_EQ(UNDER_ASSAULT(1, -1, NULL, raw6(SYS_epoll_pwait, epoll, &event, 1, -1, &none, 8)), -EINTR);
            CHECK_ERR(UNDER_ASSAULT(1, -1, NULL, nanosleep(&sleep, &left)), EINTR);
            CHECK_ERR(UNDER_ASSAULT(1, -1, NULL, poll(NULL, 0, 100000)), EINTR);
            CHECK_ERR(UNDER_ASSAULT(1, -1, NULL, pause()), EINTR);
        }
    }
    PASS();
}
