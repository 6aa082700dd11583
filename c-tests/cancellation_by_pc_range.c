// Cancellation as glibc 2.41 does it: a call stands between two symbols behind the check of a flag,
// and the handler acts if the pc lies between them. It does exactly when the call has no effect yet:
// a byte that was read is never lost, calls that end with EINTR return it.
#include "threads.h"
#include "interrupted_calls.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { CANCELLED = -12345 };

// long call(int *flag, long number, a, b, c, d, e, f): like __syscall_cancel_arch.
long cancellable(volatile int *flag, long number, long a, long b, long c, long d, long e, long f);
extern char cancellable_start[], cancellable_end[], cancellable_acts[];
// The same for read, its number in the instruction.
long cancellable_read(volatile int *flag, long fd, void *to, long count);
extern char cancellable_read_start[], cancellable_read_end[];
__asm__(".text\n"
        ".type cancellable,@function\n"
        "cancellable:\n"
        "  .cfi_startproc\n"
        "cancellable_start:\n"
        "  testb $1, (%rdi)\n"
        "  jne cancellable_acts\n"
        "  mov %rdi, %r11\n"
        "  mov %rsi, %rax\n"
        "  mov %rdx, %rdi\n"
        "  mov %rcx, %rsi\n"
        "  mov %r8, %rdx\n"
        "  mov %r9, %r10\n"
        "  mov 8(%rsp), %r8\n"
        "  mov 16(%rsp), %r9\n"
        "  mov %r11, 8(%rsp)\n"
        "  syscall\n"
        "cancellable_end:\n"
        "  ret\n"
        "cancellable_acts:\n"
        "  mov $-12345, %rax\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size cancellable, .-cancellable\n"
        ".type cancellable_read,@function\n"
        "cancellable_read:\n"
        "  .cfi_startproc\n"
        "cancellable_read_start:\n"
        "  testb $1, (%rdi)\n"
        "  jne cancellable_acts\n"
        "  mov %rsi, %rdi\n"
        "  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n"
        "  mov $0, %eax\n"
        "  syscall\n"
        "cancellable_read_end:\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size cancellable_read, .-cancellable_read\n");

static volatile int flag, acted;
static void cancel(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)info;
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    char *pc = (char *)*rip;
    if ((pc >= cancellable_start && pc < cancellable_end) || (pc >= cancellable_read_start && pc < cancellable_read_end)) {
        *rip = (greg_t)cancellable_acts;
        acted++;
    }
    handled++;
}

// One call that sleeps when the signal comes.
#define ASLEEP(...)                                                                           \
    do {                                                                                      \
        acted = 0;                                                                            \
        long r_ = UNDER_ASSAULT(1, -1, NULL, cancellable(&flag, __VA_ARGS__));                \
        printf("%s: %ld, acted %d\n", #__VA_ARGS__, r_, acted);                               \
        CHECK_EQ(acted, r_ == CANCELLED);                                                     \
        CHECK(acted || r_ == -EINTR);                                                         \
    } while (0)

static void sleepers(void) {
    int pair[2], fds[2], word = 0, epoll = epoll_create1(0), status;
    char byte;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_EQ(pipe(fds), 0);
    struct timespec time = {1000, 0};
    struct timeval limit = {1000, 0};
    struct pollfd quiet = {.fd = fds[0], .events = POLLIN};
    struct epoll_event event;
    sigset_t none;
    sigemptyset(&none);
    long to = (long)&byte;
    ASLEEP(SYS_read, fds[0], to, 1, 0, 0, 0);
    ASLEEP(SYS_recvfrom, pair[0], to, 1, 0, 0, 0);
    ASLEEP(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0, 0);
    ASLEEP(SYS_futex, (long)&word, FUTEX_WAIT, 0, (long)&time, 0, 0);
    ASLEEP(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
    ASLEEP(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&time, 0, 0, 0);
    ASLEEP(SYS_poll, (long)&quiet, 1, -1, 0, 0, 0);
    ASLEEP(SYS_ppoll, (long)&quiet, 1, (long)&time, (long)&none, 8, 0);
    ASLEEP(SYS_epoll_wait, epoll, (long)&event, 1, -1, 0, 0);
    ASLEEP(SYS_pause, 0, 0, 0, 0, 0, 0);
    ASLEEP(SYS_rt_sigsuspend, (long)&none, 8, 0, 0, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    ASLEEP(SYS_wait4, child, (long)&status, 0, 0, 0, 0);
    CHECK_EQ(kill(child, SIGKILL), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ASLEEP(SYS_recvfrom, pair[0], to, 1, 0, 0, 0);
}

// A byte and the signal come at about the same time, in either order.
static int data[2], orders[2];
static pid_t victim;
static volatile long number;
static void *racer(void *unused) {
    (void)unused;
    char order;
    while (read(orders[0], &order, 1) == 1) {
        int first = number & 1;
        for (volatile long i = 0; i < number * 31 % 900; i++);
        if (first) CHECK_EQ(write(data[1], "x", 1), 1);
        for (volatile long i = 0; i < number * 7 % 300; i++);
        flag = 1;
        CHECK_EQ(syscall(SYS_tgkill, victim, victim, SIGUSR1), 0);
        if (!first) CHECK_EQ(write(data[1], "x", 1), 1);
    }
    return NULL;
}

static void race(long rounds) {
    long cancelled = 0, completed = 0;
    victim = getpid();
    CHECK_EQ(pipe(data) | pipe(orders), 0);
    pthread_t thread = start_thread(racer, NULL, 0);
    for (number = 0; number < rounds; number++) {
        char byte = 0;
        handled = acted = flag = 0;
        CHECK_EQ(write(orders[1], "g", 1), 1);
        for (volatile long i = 0; i < number * 13 % 500; i++);
        long result = number & 2 ? cancellable_read(&flag, data[0], &byte, 1)
                                 : cancellable(&flag, SYS_read, data[0], (long)&byte, 1, 0, 0, 0);
        while (!handled) sched_yield();
        if (result == 1) {
            completed++;
            CHECK_EQ(byte, 'x');
            CHECK_EQ(acted, 0);
        } else { // by the handler, or by the flag
            cancelled++;
            CHECK_EQ(result, CANCELLED);
            CHECK_EQ(byte, 0);
            CHECK_EQ(read(data[0], &byte, 1), 1); // not lost
            CHECK_EQ(byte, 'x');
        }
        CHECK_EQ(fcntl(data[0], F_SETFL, O_NONBLOCK), 0);
        CHECK_ERR(read(data[0], &byte, 1), EAGAIN);
        CHECK_EQ(fcntl(data[0], F_SETFL, 0), 0);
    }
    CHECK_EQ(close(orders[1]), 0);
    join_thread(thread);
    CHECK(cancelled > 0 && completed > 0);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = cancel, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int turn = 0; turn < 2; turn++) sleepers();
    race(10000);
    PASS();
}
