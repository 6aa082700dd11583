// modes: native trap rewrite fallback stat
// A signal comes at every instruction of a call that waits in the kernel, and while it waits there, with
// SA_RESTART or not, in or out of the mask of the wait: the handler finds the call about to be made, or
// ended by the signal, and what is waited for ends it once.
#include "interrupt_waits.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define P(x) ((uintptr_t)(x))
#define X PATTERN

SITE(at_getppid, " mov $110,%eax");
SITE(at_read, " mov $0,%eax");
SITE(at_nanosleep, " mov $35,%eax");
SITE(at_clock_nanosleep, " mov $230,%eax");
SITE(at_futex, " mov $202,%eax");
SITE(at_poll, " mov $7,%eax");
SITE(at_ppoll, " mov $271,%eax");
SITE(at_pselect6, " mov $270,%eax");
SITE(at_epoll_pwait, " mov $281,%eax");
SITE(at_sigsuspend, " mov $130,%eax");
SITE(at_sigtimedwait, " mov $128,%eax");
SITE(at_wait4, " mov $61,%eax");
SITE(at_accept, " mov $43,%eax");
SITE(at_recvmsg, " mov $47,%eax");
SITE(at_semop, " mov $65,%eax");
SITE(at_msgrcv, " mov $70,%eax");
SITE(at_fcntl, " mov $72,%eax");
SITE(at_flock, " mov $73,%eax");
SITE(at_pause, " mov $34,%eax");
SITE(at_splice, " mov $275,%eax");
SITE(at_sendfile, " mov $40,%eax");

static int pipe_fds[2], pair[2], listener, client, epoll, set, queue, holder, other_holder, full_pipe[2], filler, source;
static char bytes[16], much[65536];
static struct sockaddr_un name;
static socklen_t name_length = sizeof name;

static void write_byte(pid_t pid) {
    (void)pid;
    CHECK_EQ(write(pipe_fds[1], "x", 1), 1);
}
static void drain_pipe(void) {
    int left_in_it;
    CHECK_EQ(ioctl(pipe_fds[0], FIONREAD, &left_in_it), 0);
    if (left_in_it) CHECK_EQ(read(pipe_fds[0], much, sizeof much), left_in_it);
    while (recv(pair[1], much, sizeof much, MSG_DONTWAIT) > 0) {} // what was spliced
}
static void send_byte(pid_t pid) {
    (void)pid;
    CHECK_EQ(write(pair[1], "x", 1), 1);
}

static void wake(pid_t pid) {
    (void)pid;
    CHECK_EQ(syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
}

static void hang_up(pid_t pid) { CHECK_EQ(syscall(SYS_tgkill, pid, pid, SIGHUP), 0); }

static pid_t grandchild;
static void bear(pid_t waiter, const struct user_regs_struct *regs) {
    struct user_regs_struct of_child;
    grandchild = (pid_t)call(waiter, regs, SYS_clone, CLONE_PTRACE, 0, 0); // without a SIGCHLD
    CHECK(grandchild > 0);
    CHECK_EQ(wait_for_stop(grandchild, &of_child), SIGSTOP);
    of_child.rip = gate;
    of_child.rax = SYS_pause;
    of_child.orig_rax = -1ull;
    CHECK_EQ(ptrace(PTRACE_SETREGS, grandchild, NULL, &of_child), 0);
    CHECK_EQ(ptrace(PTRACE_DETACH, grandchild, NULL, NULL), 0);
}
static void kill_child(pid_t pid) {
    (void)pid;
    CHECK_EQ(kill(grandchild, SIGKILL), 0);
}
static void forget_child(void) {
    if (grandchild) kill(grandchild, SIGKILL);
    grandchild = 0;
}

static void connect_to_it(pid_t pid) {
    (void)pid;
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(connect(client, (struct sockaddr *)&name, name_length), 0);
}
static void disconnect(void) {
    if (client > 0) CHECK_EQ(close(client), 0);
    client = 0;
}

static struct sembuf down = {0, -1, 0}, up = {0, 1, 0};
static void raise_semaphore(pid_t pid) {
    (void)pid;
    CHECK_EQ(semop(set, &up, 1), 0);
}

static struct { long type; char text[8]; } message = {1, "x"};
static void send_message(pid_t pid) {
    (void)pid;
    CHECK_EQ(msgsnd(queue, &message, 1, 0), 0);
}

static struct flock locked = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, unlocked = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
static int lost; // the lock, to the victim
static void unlock_record(pid_t pid) {
    if (pid != now.pid) lost = 1;
    CHECK_EQ(fcntl(holder, F_SETLK, &unlocked), 0);
}
static void lock_record(void) {
    if (!lost) CHECK_EQ(fcntl(holder, F_SETLK, &locked), 0);
}
static void unlock_file(pid_t pid) {
    (void)pid;
    CHECK_EQ(flock(holder, LOCK_UN), 0);
}
static void lock_file(void) {
    CHECK_EQ(flock(other_holder, LOCK_UN), 0);
    CHECK_EQ(flock(holder, LOCK_EX | LOCK_NB), 0);
}

static void make_room(pid_t pid) {
    (void)pid;
    while (read(full_pipe[0], much, sizeof much) > 0) {}
}
static void fill(void) {
    while (write(filler, much, sizeof much) > 0) {}
}
static void fill_again(void) { make_room(0), fill(); }

static struct timespec sleep_time = {1000, 1000000}, long_time = {1000, 0}, left;
static struct pollfd polled;
static fd_set read_set;
static const struct { const uint64_t *set; size_t size; } packed = {&wait_mask, 8};
static struct epoll_event event = {.events = EPOLLIN};
static struct iovec iov = {bytes, 1};
static struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
static uint64_t hup, hup_and_sys;
static off_t offset;

static pid_t tracer;
static void remove_all(void) {
    if (getpid() != tracer) return;
    if (set >= 0) semctl(set, 0, IPC_RMID);
    if (queue >= 0) msgctl(queue, IPC_RMID, NULL);
}

static void open_all(void) {
    tracer = getpid();
    hup = mask_bit(SIGHUP), hup_and_sys = hup | mask_bit(SIGSYS);
    CHECK_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    name.sun_family = AF_UNIX;
    CHECK((listener = socket(AF_UNIX, SOCK_STREAM, 0)) > 0);
    CHECK_EQ(bind(listener, (struct sockaddr *)&name, sizeof name.sun_family), 0); // a name of the kernel's choice
    CHECK_EQ(getsockname(listener, (struct sockaddr *)&name, &name_length), 0);
    CHECK_EQ(listen(listener, 8), 0);
    CHECK((epoll = epoll_create1(0)) > 0);
    polled = (struct pollfd){.fd = pipe_fds[0], .events = POLLIN};
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_fds[0], &event), 0);
    set = semget(IPC_PRIVATE, 1, 0600), queue = msgget(IPC_PRIVATE, 0600);
    CHECK((holder = open("locked", O_RDWR | O_CREAT, 0600)) > 0);
    CHECK((other_holder = open("locked", O_RDWR)) > 0);
    CHECK((source = open("/proc/self/exe", O_RDONLY)) > 0);
    CHECK_EQ(pipe(full_pipe), 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", full_pipe[1]);
    CHECK((filler = open(path, O_WRONLY | O_NONBLOCK)) > 0);
    CHECK_EQ(fcntl(full_pipe[0], F_SETFL, O_NONBLOCK), 0);
    fill();
    FD_SET(pipe_fds[0], &read_set);
    CHECK_EQ(atexit(remove_all), 0);
}

static long parent_now(void) { return raw0(SYS_getppid); }

// With arguments: the waits of these names only.
int main(int argc, char **argv) {
    open_all();
    prepare_waits();
    const struct wait all[] = {
        {"read", at_read, SYS_read, 1, {pipe_fds[0], P(bytes), 1, X, X, X}, .restartable = 1, .end = write_byte, .again = drain_pipe},
        {"ppoll", at_ppoll, SYS_ppoll, 1, {P(&polled), 1, 0, P(&wait_mask), 8, X}, .masked = 1, .end = write_byte, .again = drain_pipe},
        {"nanosleep", at_nanosleep, SYS_nanosleep, 0, {P(&sleep_time), P(&left), X, X, X, X}, .noted = 1, .by_signal = 1, .until = &sleep_time},
        {"rt_sigsuspend", at_sigsuspend, SYS_rt_sigsuspend, -EINTR, {P(&wait_mask), 8, X, X, X, X}, .masked = 1, .blocks = SIGUSR2, .by_signal = 1},
        {"pselect6", at_pselect6, SYS_pselect6, 1, {pipe_fds[0] + 1, P(&read_set), 0, 0, 0, P(&packed)}, .masked = 1, .end = write_byte, .again = drain_pipe},
        {"epoll_pwait", at_epoll_pwait, SYS_epoll_pwait, 1, {epoll, P(&event), 1, -1ull, P(&wait_mask), 8}, .masked = 1, .end = write_byte, .again = drain_pipe},
        {"rt_sigtimedwait", at_sigtimedwait, SYS_rt_sigtimedwait, SIGHUP, {P(&hup), 0, 0, 8, X, X}, .blocks = SIGHUP, .end = hang_up},
        {"rt_sigtimedwait for SIGSYS", at_sigtimedwait, SYS_rt_sigtimedwait, SIGHUP, {P(&hup_and_sys), 0, 0, 8, X, X}, .blocks = SIGHUP, .end = hang_up},
        {"pause", at_pause, SYS_pause, -EINTR, {X, X, X, X, X, X}, .by_signal = 1},
        {"clock_nanosleep", at_clock_nanosleep, SYS_clock_nanosleep, 0, {CLOCK_MONOTONIC, 0, P(&sleep_time), P(&left), X, X}, .noted = 1, .by_signal = 1, .until = &sleep_time},
        {"futex", at_futex, SYS_futex, 0, {P(&shared->word), FUTEX_WAIT, 0, 0, X, X}, .restartable = 1, .end = wake},
        {"futex with a timeout", at_futex, SYS_futex, 0, {P(&shared->word), FUTEX_WAIT, 0, P(&long_time), X, X}, .noted = 1, .end = wake},
        {"poll", at_poll, SYS_poll, 1, {P(&polled), 1, 1000000, X, X, X}, .noted = 1, .end = write_byte, .again = drain_pipe},
        {"wait4", at_wait4, SYS_wait4, A_CHILD, {-1ull, 0, __WALL, 0, X, X}, .restartable = 1, .enter = bear, .end = kill_child, .again = forget_child},
        {"accept", at_accept, SYS_accept, A_CHILD, {listener, 0, 0, X, X, X}, .restartable = 1, .end = connect_to_it, .again = disconnect},
        {"recvmsg", at_recvmsg, SYS_recvmsg, 1, {pair[0], P(&header), 0, X, X, X}, .restartable = 1, .end = send_byte},
        {"semop", at_semop, SYS_semop, 0, {set, P(&down), 1, X, X, X}, .end = raise_semaphore},
        {"msgrcv", at_msgrcv, SYS_msgrcv, 1, {queue, P(&message), 8, 0, 0, X}, .end = send_message},
        {"fcntl(F_SETLKW)", at_fcntl, SYS_fcntl, 0, {holder, F_SETLKW, P(&locked), X, X, X}, .restartable = 1, .end = unlock_record, .again = lock_record},
        {"flock", at_flock, SYS_flock, 0, {other_holder, LOCK_EX, X, X, X, X}, .restartable = 1, .end = unlock_file, .again = lock_file},
        {"splice", at_splice, SYS_splice, 1, {pipe_fds[0], 0, pair[0], 0, 1, 0}, .restartable = 1, .end = write_byte, .again = drain_pipe},
        {"sendfile", at_sendfile, SYS_sendfile, 1, {full_pipe[1], source, P(&offset), 1, X, X}, .restartable = 1, .end = make_room, .again = fill_again},
    };
    enum { WITH_GS = 4 }; // so many of them
    struct kind getppid_kind = {.name = "getppid", .site = at_getppid, .number = SYS_getppid, .rax = 0x7777777777, .wanted = parent_now, .args = {X, X, X, X, X, X}};
    follow(&getppid_kind, 0x891, 0, &plain); // leads through the gate
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct wait *w = &all[i];
        int chosen = argc == 1;
        for (int n = 1; n < argc; n++) chosen |= !strcmp(argv[n], w->name);
        if (!chosen || (w->number == SYS_semop && set < 0) || (w->number == SYS_msgrcv && queue < 0)) continue;
        for (restarts = 0; restarts < 2; restarts++)
            for (int m = PLAIN; m <= (w->masked ? KEPT_OUT : PLAIN); m++) {
                lost = 0;
                lock_record();
                lock_file();
                interrupt_every_way(w, (enum masks)m);
            }
        restarts = 0;
        static const int reserved[] = {SIGSYS, SIGILL};
        for (size_t n = 0; w->masked && n < 2; n++) {
            the_signal = reserved[n];
            for (int m = PLAIN; m <= KEPT_OUT; m++) interrupt_every_way(w, (enum masks)m);
        }
        the_signal = SIGUSR1;
        // The calls of a program that uses GS have another way.
        uses_gs = 1;
        for (restarts = 0; i < WITH_GS && restarts < 2; restarts++) interrupt_every_way(w, w->masked ? LET_IN : PLAIN);
        uses_gs = 0;
    }
    PASS();
}
