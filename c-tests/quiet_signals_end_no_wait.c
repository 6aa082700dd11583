// modes: native trap rewrite fallback stat
// A signal that is ignored by default, sent to the process, ends no wait of another thread's, whatever the thread
// that it is looked for first in is doing; and one that is caught is not lost.
#include "threads.h"
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { ROUNDS = 20000 };
static int wake;
static volatile int go, done, interrupted, caught, sent;
static volatile pid_t waiting;

static void call(int sig) {
    CHECK_EQ(sig, SIGUSR1);
    raw0(SYS_getppid);
}
static void count_caught(int sig) {
    CHECK_EQ(sig, SIGCONT);
    caught++;
    raw0(SYS_getppid);
}

static void *waiter(void *unused) {
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(0);
    sigset_t ours;
    (void)unused;
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    sigaddset(&ours, SIGCONT);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &ours, NULL), 0);
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event), 0);
    waiting = 1;
    for (;;) {
        long result = raw4(SYS_epoll_wait, epoll, &event, 1, -1);
        if (result == 1) return NULL;
        CHECK_EQ(result, -EINTR);
        interrupted++;
    }
}

static void *sender(void *argument) {
    static const int quiet[] = {SIGURG, SIGWINCH, SIGCHLD};
    pid_t process = getpid();
    sigset_t all;
    (void)argument;
    sigfillset(&all);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
    while (!go) sched_yield(); // libc has all signals blocked while it makes a thread
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(raw2(SYS_kill, process, quiet[i % 3]), 0);
        if (i % 8 == 0) CHECK_EQ(raw3(SYS_tgkill, process, process, SIGUSR1), 0);
        if (i % 16 || caught != sent) continue;
        sent++;
        CHECK_EQ(raw3(SYS_tgkill, process, process, SIGCONT), 0);
    }
    done = 1;
    return NULL;
}

int main(void) {
    CHECK((wake = eventfd(0, 0)) > 0);
    struct sigaction action = {.sa_handler = call}, counts = {.sa_handler = count_caught};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGCONT, &counts, NULL), 0);
    pthread_t first = start_thread(waiter, NULL, 0);
    while (!waiting) sched_yield();
    pthread_t second = start_thread(sender, NULL, 0);
    go = 1;
    while (!done) raw0(SYS_getppid);
    join_thread(second);
    CHECK_EQ(caught, sent);
    CHECK(sent > 0);
    CHECK_EQ(write(wake, &(long){1}, 8), 8);
    join_thread(first);
    CHECK_EQ(interrupted, 0);
    PASS();
}
