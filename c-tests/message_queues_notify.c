// mq_notify by a signal, also one of ours, by a thread, and by none: told once for each request, with its value and the
// sender's number; a receiver that waits already is served first.
// cflags: -lrt
#include "threads.h"
#include <mqueue.h>

static volatile sig_atomic_t signals, wrong, code, sender;
static volatile int threads;
static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    (void)sig, (void)context;
    code = info->si_code, sender = info->si_pid;
    if (info->si_value.sival_int != 9) wrong++;
    CHECK_EQ(raw0(600), -ENOSYS);
    errno = saved;
    signals++;
}
static void notified(union sigval value) {
    if (value.sival_int != 9) wrong++;
    CHECK_EQ(raw0(600), -ENOSYS);
    __atomic_fetch_add(&threads, 1, __ATOMIC_SEQ_CST);
}

int main(void) {
    char name[40], text[16];
    snprintf(name, sizeof name, "/usertrap-test-%d", getpid());
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = sizeof text};
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attributes);
    if (queue == (mqd_t)-1) SKIP("no message queues");
    CHECK_EQ(mq_unlink(name), 0);
    const int kinds[] = {SIGRTMIN, SIGUSR1, SIGSEGV, SIGSYS, SIGILL};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
        CHECK_EQ(sigaction(kinds[i], &action, NULL), 0);
        for (int turn = 0; turn < 50; turn++) {
            struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = kinds[i], .sigev_value.sival_int = 9};
            CHECK_EQ(mq_notify(queue, &event), 0);
            CHECK_ERR(mq_notify(queue, &event), EBUSY);
            signals = 0;
            int status, from_child = turn & 1;
            pid_t from = getpid();
            if (from_child)
                IN_CHILD(status, CHECK_EQ(mq_send(queue, "one", 4, 1), 0));
            else
                CHECK_EQ(mq_send(queue, "one", 4, 1), 0);
            while (signals == 0) usleep(20);
            CHECK_EQ(code, SI_MESGQ);
            if (!from_child) CHECK_EQ(sender, from);
            CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), 4);
            CHECK_ERR(mq_receive(queue, text, sizeof text, NULL), EAGAIN);
            // No request is left.
            CHECK_EQ(mq_send(queue, "two", 4, 1), 0);
            CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), 4);
            CHECK_EQ(signals, 1);
        }
    }
    for (int turn = 0; turn < 50; turn++) {
        struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notified, .sigev_value.sival_int = 9};
        threads = 0;
        CHECK_EQ(mq_notify(queue, &event), 0);
        CHECK_EQ(mq_send(queue, "one", 4, 1), 0);
        while (threads == 0) usleep(20);
        CHECK_EQ(mq_receive(queue, text, sizeof text, NULL), 4);
        event.sigev_notify = SIGEV_NONE;
        CHECK_EQ(mq_notify(queue, &event), 0);
        CHECK_EQ(mq_notify(queue, NULL), 0);
        CHECK_EQ(threads, 1);
    }
    CHECK_EQ(wrong, 0);
    PASS();
}
