// Whether a handler finds an interrupted call about to be restarted or ended with EINTR, with and
// without SA_RESTART, for calls of every class that waits; then it jumps out, or lets EINTR through.
#include "threads.h"
#include "interrupted_calls.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

static sigjmp_buf back;
static volatile long rax, at_site, arguments[3];
static void look(int sig, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)sig, (void)info;
    // The site may be five bytes longer under the library.
    at_site = r[REG_RIP] == (greg_t)rawreg_site || (under_library() && r[REG_RIP] == (greg_t)rawreg_site - 5);
    CHECK(at_site || r[REG_RIP] == (greg_t)rawreg_after);
    rax = r[REG_RAX];
    arguments[0] = r[REG_RDI], arguments[1] = r[REG_RSI], arguments[2] = r[REG_RDX];
    handled++;
    if (at_site) siglongjmp(back, 1);
}

static void try_call(const char *name, int restart, long number, long a, long b, long c, long d, long e, long f) {
    static struct assault assault;
    static pthread_t thread;
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO | (restart ? SA_RESTART : 0)};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    assault = (struct assault){(pid_t)raw0(SYS_gettid), 1, -1, NULL, SIGUSR1};
    handled = 0;
    thread = start_thread(assail, &assault, 0);
    if (!sigsetjmp(back, 1)) {
        long result = rawreg(number, a, b, c, d, e, f);
        printf("%s, SA_RESTART %d: %ld\n", name, restart, result);
        fflush(stdout);
        CHECK_EQ(handled, 1);
        CHECK_EQ(result, rax);
    } else {
        printf("%s, SA_RESTART %d: restarts\n", name, restart);
        CHECK_EQ(rax, number);
    }
    join_thread(thread);
    CHECK_EQ(arguments[0], a);
    CHECK_EQ(arguments[1], b);
    CHECK_EQ(arguments[2], c);
}

#define TRY(name, ...) try_call(name, restart, __VA_ARGS__)
#define P(x) ((long)(x))

static int full_pipe(void) {
    int fds[2];
    static char much[65536];
    CHECK_EQ(pipe2(fds, O_NONBLOCK), 0);
    while (write(fds[1], much, sizeof much) > 0) {}
    CHECK_EQ(fcntl(fds[1], F_SETFL, 0), 0);
    return fds[1];
}

static void round_of(int restart) {
    int fds[2], pair[2], status;
    char bytes[16];
    struct timespec time = {1000, 0}, now, later;
    struct timeval val = {1000, 0};
    sigset_t none, usr2;
    sigemptyset(&none);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    later = (struct timespec){now.tv_sec + 1000, 0};
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct iovec iov = {bytes, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    TRY("read of a pipe", SYS_read, fds[0], P(bytes), 1, 0, 0, 0);
    TRY("readv", SYS_readv, fds[0], P(&iov), 1, 0, 0, 0);
    int full = full_pipe();
    TRY("write to a full pipe", SYS_write, full, P(bytes), 1, 0, 0, 0);
    CHECK_EQ(close(full), 0);
    TRY("splice", SYS_splice, fds[0], 0, pair[0], 0, 1, 0);
    TRY("read of a socket", SYS_read, pair[0], P(bytes), 1, 0, 0, 0);
    TRY("recvfrom", SYS_recvfrom, pair[0], P(bytes), 1, 0, 0, 0);
    TRY("recvmsg", SYS_recvmsg, pair[0], P(&msg), 0, 0, 0, 0);
    CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &val, sizeof val), 0);
    TRY("recvfrom with a timeout", SYS_recvfrom, pair[0], P(bytes), 1, 0, 0, 0);

    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM, 0), clients[4];
    CHECK_EQ(bind(server, (struct sockaddr *)&name, sizeof name.sun_family), 0); // a name of the kernel's choice
    socklen_t length = sizeof name;
    CHECK_EQ(getsockname(server, (struct sockaddr *)&name, &length), 0);
    CHECK_EQ(listen(server, 0), 0);
    TRY("accept", SYS_accept, server, 0, 0, 0, 0, 0);
    TRY("accept4", SYS_accept4, server, 0, 0, SOCK_CLOEXEC, 0, 0);
    for (int i = 0; i < 4; i++) clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(connect(clients[0], (struct sockaddr *)&name, length), 0);
    TRY("connect", SYS_connect, clients[1], P(&name), length, 0, 0, 0);
    CHECK_EQ(setsockopt(clients[2], SOL_SOCKET, SO_SNDTIMEO, &val, sizeof val), 0);
    TRY("connect with a timeout", SYS_connect, clients[2], P(&name), length, 0, 0, 0);
    for (int i = 0; i < 4; i++) CHECK_EQ(close(clients[i]), 0);
    CHECK_EQ(close(server), 0);

    int word = 0;
    TRY("futex", SYS_futex, P(&word), FUTEX_WAIT, 0, 0, 0, 0);
    TRY("futex with a timeout", SYS_futex, P(&word), FUTEX_WAIT, 0, P(&time), 0, 0);
    TRY("futex until a time", SYS_futex, P(&word), FUTEX_WAIT_BITSET, 0, P(&later), 0, -1);
    TRY("nanosleep", SYS_nanosleep, P(&time), 0, 0, 0, 0, 0);
    TRY("clock_nanosleep", SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, P(&time), P(&now), 0, 0);
    TRY("clock_nanosleep until a time", SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, P(&later), 0, 0, 0);

    struct pollfd quiet = {.fd = fds[0], .events = POLLIN};
    struct { sigset_t *set; size_t size; } packed = {&none, 8};
    TRY("poll", SYS_poll, P(&quiet), 1, -1, 0, 0, 0);
    TRY("poll with a timeout", SYS_poll, P(&quiet), 1, 1000000, 0, 0, 0);
    TRY("ppoll", SYS_ppoll, P(&quiet), 1, 0, P(&none), 8, 0);
    TRY("ppoll with a timeout", SYS_ppoll, P(&quiet), 1, P(&time), 0, 8, 0);
    TRY("select", SYS_select, 0, 0, 0, 0, P(&val), 0);
    TRY("pselect6", SYS_pselect6, 0, 0, 0, 0, 0, P(&packed));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    TRY("epoll_wait", SYS_epoll_wait, epoll, P(&event), 1, -1, 0, 0);
    TRY("epoll_pwait", SYS_epoll_pwait, epoll, P(&event), 1, -1, P(&none), 8);
    TRY("epoll_pwait without a mask", SYS_epoll_pwait, epoll, P(&event), 1, 1000000, 0, 8);
    CHECK_EQ(close(epoll), 0);
    TRY("pause", SYS_pause, 0, 0, 0, 0, 0, 0);
    TRY("rt_sigsuspend", SYS_rt_sigsuspend, P(&none), 8, 0, 0, 0, 0);
    TRY("rt_sigtimedwait", SYS_rt_sigtimedwait, P(&usr2), 0, P(&time), 8, 0, 0);

    int set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600);
    if (set >= 0) {
        struct sembuf down = {0, -1, 0};
        TRY("semop", SYS_semop, set, P(&down), 1, 0, 0, 0);
        TRY("semtimedop", SYS_semtimedop, set, P(&down), 1, P(&time), 0, 0);
        CHECK_EQ(semctl(set, 0, IPC_RMID), 0);
    }
    if (queue >= 0) {
        struct { long type; char text[1]; } message;
        TRY("msgrcv", SYS_msgrcv, queue, P(&message), 1, 0, 0, 0);
        CHECK_EQ(msgctl(queue, IPC_RMID, NULL), 0);
    }
    mqd_t posix = mq_open("/usertrap-restart", O_RDWR | O_CREAT, 0600, NULL);
    if (posix >= 0) {
        static char text[65536];
        struct timespec far_off = {4000000000, 0};
        CHECK_EQ(mq_unlink("/usertrap-restart"), 0);
        TRY("mq_timedreceive", SYS_mq_timedreceive, posix, P(text), sizeof text, 0, 0, 0);
        TRY("mq_timedreceive with a timeout", SYS_mq_timedreceive, posix, P(text), sizeof text, 0, P(&far_off), 0);
        CHECK_EQ(mq_close(posix), 0);
    }

    // A child that lives, and holds a lock.
    int ready[2], file = open("locked", O_RDWR | O_CREAT, 0600), again = open("locked", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CHECK(file >= 0 && again >= 0);
    CHECK_EQ(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (fcntl(file, F_SETLK, &lock) == 0 && write(ready[1], "x", 1) == 1)
            for (;;) pause();
        _exit(1);
    }
    CHECK_EQ(read(ready[0], bytes, 1), 1);
    siginfo_t info;
    TRY("wait4", SYS_wait4, child, P(&status), 0, 0, 0, 0);
    TRY("waitid", SYS_waitid, P_PID, child, P(&info), WEXITED, 0, 0);
    TRY("fcntl(F_SETLKW)", SYS_fcntl, file, F_SETLKW, P(&lock), 0, 0, 0);
    CHECK_EQ(flock(file, LOCK_EX), 0);
    TRY("flock", SYS_flock, again, LOCK_EX, 0, 0, 0, 0);
    CHECK_EQ(kill(child, SIGKILL), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(close(file) | close(again) | unlink("locked"), 0);
    CHECK_EQ(mkfifo("fifo", 0600), 0);
    TRY("open of a fifo", SYS_openat, AT_FDCWD, P("fifo"), O_RDONLY, 0, 0, 0);
    CHECK_EQ(unlink("fifo"), 0);

    aio_context_t aio = 0;
    if (syscall(SYS_io_setup, 1, &aio) == 0) {
        struct io_event done;
        TRY("io_getevents", SYS_io_getevents, P(aio), 1, 1, P(&done), 0, 0);
        TRY("io_getevents with a timeout", SYS_io_getevents, P(aio), 1, 1, P(&done), P(&time), 0);
        CHECK_EQ(syscall(SYS_io_destroy, aio), 0);
    }
    int counter = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0), signals = signalfd(-1, &usr2, 0), watch = inotify_init();
    long value[64];
    TRY("read of an eventfd", SYS_read, counter, P(value), 8, 0, 0, 0);
    struct itimerspec far = {{0, 0}, {1000, 0}};
    CHECK_EQ(timerfd_settime(timer, 0, &far, NULL), 0);
    TRY("read of a timerfd", SYS_read, timer, P(value), 8, 0, 0, 0);
    TRY("read of a signalfd", SYS_read, signals, P(value), 128, 0, 0, 0);
    TRY("read of an inotify", SYS_read, watch, P(value), sizeof value, 0, 0, 0);
    CHECK_EQ(close(counter) | close(timer) | close(signals) | close(watch), 0);
    CHECK_EQ(close(fds[0]) | close(fds[1]) | close(pair[0]) | close(pair[1]) | close(ready[0]) | close(ready[1]), 0);
}

int main(void) {
    for (int turn = 0; turn < 2; turn++)
        for (int restart = 0; restart < 2; restart++) round_of(restart);
    PASS();
}
