// modes: native trap rewrite fallback stat
// Threads wait in calls of many kinds while another one peppers them with queued signals: each signal's handler runs
// once and in order, and what is waited for is neither lost nor doubled, with SA_RESTART and without.
#include "threads.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { ROUNDS = 400, CHILDREN = 25, IN_FLIGHT = 8 };
#define PEPPER SIGRTMIN
#define GOODS (SIGRTMIN + 1) // what the waits for signals wait for
#define BIT(sig) (1ull << ((sig) - 1))

// One thread that waits, and the one that gives it what it waits for.
struct side {
    void (*wait)(struct side *, int round);
    void (*give)(struct side *, int round);
    int rounds, restarts, fds[4], word, interrupted;
    volatile pid_t thread;
    volatile int sent, handled, done;
    pthread_t waiter, giver;
};
enum { MOST = 32 };
static struct side sides[MOST];
static int count;
static volatile int go;

static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    int saved = errno;
    struct side *s = &sides[(unsigned)info->si_value.sival_int >> 24];
    CHECK_EQ(info->si_code, SI_QUEUE);
    CHECK_EQ(raw0(SYS_gettid), s->thread);
    CHECK_EQ(info->si_value.sival_int & 0xffffff, s->handled);
    s->handled++;
    CHECK_EQ(raw3(SYS_write, -1, "", 1), -EBADF);
    errno = saved;
}

// The result of a wait that a signal may have interrupted: true if it is to be made again.
static int again(struct side *s, long result, int never_restarts) {
    if (result != -EINTR) return 0;
    if (s->restarts && !never_restarts) {
        dprintf(2, "wait %d\n", (int)(s - sides));
        CHECK(!"it restarts");
    }
    s->interrupted++;
    return 1;
}
#define UNTIL_DONE(s, never, call)                          \
    __extension__({                                         \
        long r_;                                            \
        do r_ = (call);                                     \
        while (again((s), r_, (never)));                    \
        r_;                                                 \
    })

static void give_byte(struct side *s, int round) {
    unsigned char byte = (unsigned char)round;
    CHECK_EQ(UNTIL_DONE(s, 1, raw3(SYS_write, s->fds[1], &byte, 1)), 1);
}
static void check_byte(struct side *s, int round) {
    unsigned char byte = 0;
    CHECK_EQ(UNTIL_DONE(s, 0, raw3(SYS_read, s->fds[0], &byte, 1)), 1);
    CHECK_EQ(byte, round & 0xff);
}
static void wait_recvmsg(struct side *s, int round) {
    unsigned char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(UNTIL_DONE(s, 0, raw3(SYS_recvmsg, s->fds[0], &header, 0)), 1);
    CHECK_EQ(byte, round & 0xff);
}
static void wait_poll(struct side *s, int round) {
    struct pollfd fd = {.fd = s->fds[0], .events = POLLIN};
    CHECK_EQ(UNTIL_DONE(s, 1, raw3(SYS_poll, &fd, 1, 1000000)), 1);
    check_byte(s, round);
}
static const uint64_t nothing, pepper_blocked = 1ull << 33 /* SIGRTMIN of glibc */;
// Every other time the wait's mask keeps the signals out.
static const uint64_t *mask_of(int round) { return round & 1 ? &nothing : &pepper_blocked; }
static void wait_ppoll(struct side *s, int round) {
    struct pollfd fd = {.fd = s->fds[0], .events = POLLIN};
    CHECK_EQ(UNTIL_DONE(s, round & 1, raw5(SYS_ppoll, &fd, 1, NULL, mask_of(round), 8)), 1);
    check_byte(s, round);
}
static void wait_pselect(struct side *s, int round) {
    fd_set set;
    struct { const uint64_t *set; size_t size; } packed = {mask_of(round), 8};
    do {
        FD_ZERO(&set);
        FD_SET(s->fds[0], &set);
    } while (again(s, raw6(SYS_pselect6, s->fds[0] + 1, &set, NULL, NULL, NULL, &packed), round & 1));
    CHECK(FD_ISSET(s->fds[0], &set));
    check_byte(s, round);
}
static void wait_epoll(struct side *s, int round) {
    struct epoll_event event = {0};
    CHECK_EQ(UNTIL_DONE(s, round & 1, raw6(SYS_epoll_pwait, s->fds[2], &event, 1, -1, mask_of(round), 8)), 1);
    check_byte(s, round);
}
static void wait_splice(struct side *s, int round) {
    unsigned char byte = 0;
    CHECK_EQ(UNTIL_DONE(s, 0, raw6(SYS_splice, s->fds[0], NULL, s->fds[3], NULL, 1, 0)), 1);
    CHECK_EQ(UNTIL_DONE(s, 0, raw3(SYS_read, s->fds[2], &byte, 1)), 1);
    CHECK_EQ(byte, round & 0xff);
}

static void wait_futex(struct side *s, int round) {
    struct timespec long_time = {1000, 0};
    for (int now; (now = __atomic_load_n(&s->word, __ATOMIC_SEQ_CST)) <= round;) {
        long result = raw4(SYS_futex, &s->word, FUTEX_WAIT, now, round & 1 ? &long_time : NULL);
        if (!again(s, result, round & 1)) CHECK(result == 0 || result == -EAGAIN);
    }
}
static void give_futex(struct side *s, int round) {
    __atomic_store_n(&s->word, round + 1, __ATOMIC_SEQ_CST);
    CHECK(raw3(SYS_futex, &s->word, FUTEX_WAKE, 1) >= 0);
}
static void wait_semaphore(struct side *s, int round) {
    struct sembuf down = {0, -1, 0};
    (void)round;
    CHECK_EQ(UNTIL_DONE(s, 1, raw3(SYS_semop, s->fds[0], &down, 1)), 0);
}
static void give_semaphore(struct side *s, int round) {
    struct sembuf up = {0, 1, 0};
    (void)round;
    CHECK_EQ(raw3(SYS_semop, s->fds[0], &up, 1), 0);
}
struct message { long type; int round; };
static void wait_message(struct side *s, int round) {
    struct message message = {0, 0};
    CHECK_EQ(UNTIL_DONE(s, 1, raw5(SYS_msgrcv, s->fds[0], &message, sizeof message.round, 0, 0)), sizeof message.round);
    CHECK_EQ(message.round, round);
}
static void give_message(struct side *s, int round) {
    struct message message = {1, round};
    CHECK_EQ(raw4(SYS_msgsnd, s->fds[0], &message, sizeof message.round, 0), 0);
}
static void wait_accept(struct side *s, int round) {
    unsigned char byte = 0;
    long fd = UNTIL_DONE(s, 0, raw3(SYS_accept, s->fds[0], NULL, NULL));
    CHECK(fd > 0);
    CHECK_EQ(UNTIL_DONE(s, 0, raw3(SYS_read, fd, &byte, 1)), 1);
    CHECK_EQ(byte, round & 0xff);
    CHECK_EQ(raw1(SYS_close, fd), 0);
}
static void give_connection(struct side *s, int round) {
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    unsigned char byte = (unsigned char)round;
    CHECK_EQ(getsockname(s->fds[0], (struct sockaddr *)&name, &length), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(connect(fd, (struct sockaddr *)&name, length), 0);
    CHECK_EQ(write(fd, &byte, 1), 1);
    CHECK_EQ(close(fd), 0);
}
static void wait_sleep(struct side *s, int round) {
    // What is left may be more than it was: the kernel adds its slack.
    struct timespec time = {0, 20000}, left = {0, 0};
    for (int i = 0; i < 4 && again(s, raw2(SYS_nanosleep, &time, &left), 1); i++) {
        CHECK(left.tv_sec == 0 && left.tv_nsec < 1000000);
        time = left;
    }
    (void)round;
}
// A child that has ended before, or will; without a SIGCHLD, which would come to any thread.
static void wait_child(struct side *s, int round) {
    int status = 0;
    pid_t child = (pid_t)raw5(SYS_clone, 0, 0, 0, 0, 0);
    CHECK(child >= 0);
    if (child == 0) {
        struct timespec time = {0, 200000};
        if (round & 1) raw2(SYS_nanosleep, &time, NULL);
        raw1(SYS_exit_group, round & 0x7f);
    }
    CHECK_EQ(UNTIL_DONE(s, 0, raw4(SYS_wait4, child, &status, __WALL, NULL)), child);
    CHECK_EQ(status, (round & 0x7f) << 8);
}
static void send_goods(struct side *s, int round) {
    siginfo_t info = {.si_signo = GOODS, .si_code = SI_QUEUE};
    info.si_value.sival_int = round;
    while (raw4(SYS_rt_tgsigqueueinfo, getpid(), s->thread, GOODS, &info) == -EAGAIN) sched_yield();
}
static void wait_signal(struct side *s, int round) {
    uint64_t set = BIT(GOODS);
    siginfo_t info = {0};
    CHECK_EQ(UNTIL_DONE(s, 1, raw4(SYS_rt_sigtimedwait, &set, &info, NULL, 8)), GOODS);
    CHECK_EQ(info.si_value.sival_int, round);
}
// Only in its sigsuspend the thread takes the peppering signals.
static void wait_suspended(struct side *s, int round) {
    int before = s->handled;
    uint64_t mask = BIT(GOODS), now;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, &pepper_blocked, NULL, 8), 0);
    CHECK_EQ(raw2(SYS_rt_sigsuspend, &mask, 8), -EINTR);
    CHECK(s->handled > before);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
    CHECK_EQ(now, BIT(GOODS) | pepper_blocked);
    s->interrupted++;
    (void)round;
}
// Two threads each with a lock of its own on one file.
static volatile int inside[2];
static void take_turns(struct side *s, int kind, int lock) {
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (lock) CHECK_EQ(UNTIL_DONE(s, 0, raw2(SYS_flock, s->fds[0], LOCK_EX)), 0);
    else CHECK_EQ(UNTIL_DONE(s, 0, raw3(SYS_fcntl, s->fds[0], F_OFD_SETLKW, &record)), 0);
    CHECK_EQ(inside[kind]++, 0);
    if (s->rounds & 1) sched_yield();
    CHECK_EQ(--inside[kind], 0);
    record.l_type = F_UNLCK;
    if (lock) CHECK_EQ(raw2(SYS_flock, s->fds[0], LOCK_UN), 0);
    else CHECK_EQ(raw3(SYS_fcntl, s->fds[0], F_OFD_SETLK, &record), 0);
}
static void wait_flock(struct side *s, int round) { (void)round, take_turns(s, 0, 1); }
static void wait_record(struct side *s, int round) { (void)round, take_turns(s, 1, 0); }

static void *waiter(void *argument) {
    struct side *s = argument;
    s->thread = (pid_t)raw0(SYS_gettid);
    while (!s->handled) sched_yield();
    for (int round = 0; round < s->rounds; round++) s->wait(s, round);
    s->done = 1;
    uint64_t none = BIT(GOODS);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8), 0);
    while (s->done != 2 || s->handled != s->sent) sched_yield();
    return NULL;
}
static void *giver(void *argument) {
    struct side *s = argument;
    while (!go) sched_yield();
    for (int round = 0, before = 0; round < s->rounds; round++) {
        // A signal at least comes in each round.
        while (s->sent == before && s->sent - s->handled < IN_FLIGHT) sched_yield();
        before = s->sent;
        s->give(s, round);
    }
    return NULL;
}

static struct side *add(void (*wait)(struct side *, int), void (*give)(struct side *, int)) {
    struct side *s = &sides[count++];
    CHECK(count <= MOST);
    *s = (struct side){.wait = wait, .give = give, .rounds = ROUNDS};
    return s;
}
static struct side *add_pipe(void (*wait)(struct side *, int)) {
    struct side *s = add(wait, give_byte);
    CHECK_EQ(pipe(s->fds), 0);
    return s;
}

static void storm(int restarts) {
    count = go = 0;
    add_pipe(check_byte);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, add(wait_recvmsg, give_byte)->fds), 0);
    add_pipe(wait_poll);
    add_pipe(wait_ppoll);
    add_pipe(wait_pselect);
    struct side *s = add_pipe(wait_epoll);
    struct epoll_event event = {.events = EPOLLIN};
    s->fds[2] = epoll_create1(0);
    CHECK_EQ(epoll_ctl(s->fds[2], EPOLL_CTL_ADD, s->fds[0], &event), 0);
    CHECK_EQ(pipe(add_pipe(wait_splice)->fds + 2), 0);
    add(wait_futex, give_futex);
    int set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600);
    if (set >= 0) add(wait_semaphore, give_semaphore)->fds[0] = set;
    if (queue >= 0) add(wait_message, give_message)->fds[0] = queue;
    s = add(wait_accept, give_connection);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    s->fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(bind(s->fds[0], (struct sockaddr *)&name, sizeof name.sun_family), 0);
    CHECK_EQ(listen(s->fds[0], 64), 0);
    add(wait_sleep, NULL);
    add(wait_child, NULL)->rounds = CHILDREN;
    add(wait_signal, send_goods);
    add(wait_suspended, NULL);
    for (int i = 0; i < 4; i++) {
        s = add(i < 2 ? wait_flock : wait_record, NULL);
        CHECK((s->fds[0] = open("locked", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) > 0);
    }

    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (restarts ? SA_RESTART : 0)};
    CHECK_EQ(sigaction(PEPPER, &action, NULL), 0);
    uint64_t goods = BIT(GOODS), with_pepper = goods | pepper_blocked;
    CHECK_EQ(PEPPER, 34);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &goods, NULL, 8), 0);
    for (int i = 0; i < count; i++) sides[i].restarts = restarts, sides[i].waiter = start_thread(waiter, &sides[i], 0);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &with_pepper, NULL, 8), 0);
    for (int i = 0; i < count; i++)
        while (!sides[i].thread) sched_yield();
    for (int i = 0; i < count; i++)
        if (sides[i].give) sides[i].giver = start_thread(giver, &sides[i], 0);
    go = 1;
    for (int left = count; left;) {
        left = 0;
        for (int i = 0; i < count; i++) {
            s = &sides[i];
            if (s->done == 1) s->done = 2;
            if (s->done) continue;
            left++;
            if (s->sent - s->handled >= IN_FLIGHT) continue;
            siginfo_t info = {.si_signo = PEPPER, .si_code = SI_QUEUE};
            info.si_value.sival_int = s->sent | i << 24;
            if (raw4(SYS_rt_tgsigqueueinfo, getpid(), s->thread, PEPPER, &info) == 0) s->sent++;
        }
        sched_yield();
    }
    int sent = 0, interrupted = 0;
    for (int i = 0; i < count; i++) {
        join_thread(sides[i].waiter);
        if (sides[i].give) join_thread(sides[i].giver);
        CHECK_EQ(sides[i].handled, sides[i].sent);
        CHECK(sides[i].sent > 0);
        for (int n = 0; n < 4; n++)
            if (sides[i].fds[n] && sides[i].give != give_semaphore && sides[i].give != give_message) CHECK_EQ(close(sides[i].fds[n]), 0);
        sent += sides[i].sent, interrupted += sides[i].interrupted;
    }
    fprintf(stderr, "SA_RESTART %d: %d signals, %d waits interrupted\n", restarts, sent, interrupted);
    if (set >= 0) CHECK_EQ(semctl(set, 0, GETVAL), 0);
    if (set >= 0) CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
    if (queue >= 0) CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
}

int main(void) {
    for (int turn = 0; turn < 4; turn++) storm(turn & 1);
    PASS();
}
