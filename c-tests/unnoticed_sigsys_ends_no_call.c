// A SIGSYS or SIGILL that is blocked or ignored ends no call that waits, also none of those that are
// EINTR behind every handler: it goes on until a signal that is caught comes.
#include "interrupted_calls.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <time.h>

enum how { BLOCKED, IGNORED, WAYS };
enum sender { THREAD_TO_THREAD, THREAD_TO_PROCESS, CHILD, SENDERS };
static int signal_sent;
static pid_t victim;
static enum sender sender;

static void send_all(pid_t process) {
    for (int i = 0; i < 2; i++) {
        wait_until_asleep(process, victim);
        CHECK_EQ(sender == THREAD_TO_THREAD ? syscall(SYS_tgkill, process, victim, signal_sent) : kill(process, signal_sent), 0);
    }
    wait_until_asleep(process, victim);
}

static void *assail_unnoticed(void *argument) {
    (void)argument;
    if (sender == CHILD) {
        int status;
        pid_t process = getpid();
        IN_CHILD(status, send_all(process));
        CHECK_EQ(status, 0);
    } else
        send_all(getpid());
    CHECK_EQ(handled, 0);
    CHECK_EQ(syscall(SYS_tgkill, getpid(), victim, SIGUSR1), 0);
    return NULL;
}

#define UNNOTICED(name, expression)                                     \
    do {                                                                \
        handled = 0;                                                    \
        pthread_t thread_ = start_thread(assail_unnoticed, NULL, 0);    \
        long result_ = (expression);                                    \
        if (result_ != -EINTR || handled != 1)                          \
            fprintf(stderr, "%s, signal %d, way %d, sender %d\n", name, signal_sent, way, sender); \
        CHECK_EQ(result_, -EINTR);                                      \
        CHECK_EQ(handled, 1);                                           \
        join_thread(thread_);                                           \
    } while (0)
// By a site that has the number in it, or by one that has it in a register.
#define TRY(number, a, b, c, d, e, f)                                                             \
    do {                                                                                          \
        if (turn++ % 2) UNNOTICED(#number, raw6(number, a, b, c, d, e, f));                       \
        else UNNOTICED(#number, rawreg(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))); \
    } while (0)

static int pipes[2], sockets[2], epoll, semaphores, queue, turn;
static aio_context_t aio;

static void all_calls(enum how way) {
    char bytes[16];
    struct timespec time = {1000, 0}, left;
    struct timeval val = {1000, 0};
    uint64_t mask = way == BLOCKED ? 1ull << (signal_sent - 1) : 0;
    struct { uint64_t *set; size_t size; } packed = {&mask, 8};
    struct pollfd quiet = {.fd = pipes[0], .events = POLLIN};
    struct epoll_event event;
    int word = 0;
    TRY(SYS_poll, &quiet, 1, -1, 0, 0, 0);
    TRY(SYS_poll, &quiet, 1, 1000000, 0, 0, 0);
    TRY(SYS_select, 0, 0, 0, 0, &val, 0);
    TRY(SYS_ppoll, &quiet, 1, &time, &mask, 8, 0);
    TRY(SYS_ppoll, &quiet, 1, NULL, NULL, 8, 0);
    TRY(SYS_pselect6, 0, 0, 0, 0, 0, &packed);
    TRY(SYS_epoll_wait, epoll, &event, 1, -1, 0, 0);
    TRY(SYS_epoll_pwait, epoll, &event, 1, 1000000, &mask, 8);
    TRY(SYS_rt_sigsuspend, &mask, 8, 0, 0, 0, 0);
    TRY(SYS_nanosleep, &time, &left, 0, 0, 0, 0);
    TRY(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, 0, 0, 0);
    TRY(SYS_pause, 0, 0, 0, 0, 0, 0);
    TRY(SYS_futex, &word, FUTEX_WAIT, 0, &time, 0, 0);
    TRY(SYS_recvfrom, sockets[0], bytes, 1, 0, 0, 0);
    TRY(SYS_read, pipes[0], bytes, 1, 0, 0, 0);
    if (semaphores >= 0) {
        struct sembuf down = {0, -1, 0};
        TRY(SYS_semop, semaphores, &down, 1, 0, 0, 0);
        TRY(SYS_semtimedop, semaphores, &down, 1, &time, 0, 0);
    }
    struct { long type; char text[1]; } message;
    if (queue >= 0) TRY(SYS_msgrcv, queue, &message, 1, 0, 0, 0);
    struct io_event done;
    if (aio) TRY(SYS_io_getevents, aio, 1, 1, &done, NULL, 0);
}

int main(void) {
    struct timeval val = {1000, 0};
    victim = (pid_t)raw0(SYS_gettid);
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    CHECK_EQ(setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &val, sizeof val), 0);
    CHECK((epoll = epoll_create1(0)) >= 0);
    semaphores = semget(IPC_PRIVATE, 1, 0600);
    queue = msgget(IPC_PRIVATE, 0600);
    if (syscall(SYS_io_setup, 1, &aio) != 0) aio = 0;
    catch_signal(SIGUSR1, 0);
    for (int round = 0; round < 2 * WAYS * SENDERS; round++) {
        enum how way = round % WAYS;
        struct sigaction action = {.sa_handler = way == IGNORED ? SIG_IGN : count_signal};
        sender = round % SENDERS;
        signal_sent = round < WAYS * SENDERS ? SIGSYS : SIGILL;
        CHECK_EQ(sigaction(signal_sent, &action, NULL), 0);
        sigset_t only, waiting;
        sigemptyset(&only);
        sigaddset(&only, signal_sent);
        if (way == BLOCKED) CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
        // The thread that sends inherits the mask.
        all_calls(way);
        CHECK_EQ(sigpending(&waiting), 0);
        CHECK_EQ(sigismember(&waiting, signal_sent), way == BLOCKED);
        handled = 0;
        if (way == BLOCKED) CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
        CHECK_EQ(handled, way == BLOCKED);
    }
    if (semaphores >= 0) CHECK_EQ(semctl(semaphores, 0, IPC_RMID), 0);
    if (queue >= 0) CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
    PASS();
}
