// A signalfd gives SIGSYS and SIGILL to read, by every sender and with all that is said of them; it is empty
// behind that, and the signal does not wait any more; beside others they come in the kernel's order.
// In a trap another thread may take the signal (README, Limits).
// modes: native rewrite fallback stat command
#include "signalfd.h"
#include <sys/uio.h>

static struct signalfd_siginfo records[8];

static void one_of_each(int sig, int fd, int nonblocking) {
    for (int sender = 0; sender < SENDERS; sender++) {
        send_by(sender, sig, 4711 + sender);
        CHECK_EQ(waits(sig), 1);
        struct iovec parts[2] = {{records, sizeof *records}, {records + 1, sizeof *records}};
        memset(records, 0xff, sizeof records);
        CHECK_EQ(sender & 1 ? raw3(SYS_read, fd, records, sizeof records) : raw3(SYS_readv, fd, parts, 2), sizeof *records);
        CHECK_EQ(records[1].ssi_signo, 0xffffffff);
        print_record(records);
        CHECK_EQ(waits(sig), 0);
        if (!nonblocking) continue;
        CHECK_EQ(raw3(SYS_read, fd, records, sizeof records), -EAGAIN);
        CHECK_EQ(raw3(SYS_readv, fd, parts, 2), -EAGAIN);
        // A second one is as nothing.
        send_by(sender, sig, 1);
        send_by(sender, sig, 2);
        CHECK_EQ(raw3(SYS_read, fd, records, 10), -EINVAL);
        CHECK_EQ(rawreg(SYS_read, fd, (long)records, sizeof records, 0, 0, 0), sizeof *records);
    }
}

static void beside_others(int sig) {
    sigset_t three = set_of(sig, SIGUSR1);
    sigaddset(&three, SIGRTMIN);
    int fd = signalfd(-1, &three, SFD_NONBLOCK), pipes[2];
    for (int sender = 0; sender < SENDERS; sender++) {
        send_by(sender, SIGUSR1, 1);
        send_by(sender, SIGRTMIN, 2);
        send_by(sender, SIGRTMIN, 3);
        send_by(sender, sig, 4);
        CHECK_EQ(read(fd, records, sizeof records), (long)(4 * sizeof *records));
        for (int i = 0; i < 4; i++) print_record(records + i);
        CHECK_EQ(read(fd, records, sizeof records), -1);
        send_by(sender, SIGUSR1, 1);
        send_by(sender, sig, 4);
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(read(fd, records, sizeof *records), (long)sizeof *records);
            print_record(records);
        }
    }
    // Others' descriptors do not take it, nor does one for other signals.
    CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
    sigset_t usr1 = set_of(SIGUSR1, 0);
    int other = signalfd(-1, &usr1, SFD_NONBLOCK);
    send_by(KILL, sig, 0);
    CHECK_ERR(read(pipes[0], records, sizeof records), EAGAIN);
    CHECK_ERR(read(other, records, sizeof records), EAGAIN);
    CHECK_EQ(write(pipes[1], records, 512), 512);
    CHECK_EQ(read(pipes[0], records, sizeof records), 512);
    CHECK_EQ(waits(sig), 1);
    CHECK_EQ(signalfd(other, &three, 0), other);
    CHECK_EQ(read(other, records, sizeof records), (long)sizeof *records);
    print_record(records);
    close(pipes[0]), close(pipes[1]), close(other), close(fd);
}

static struct sender_in_thread {
    pthread_t main;
    pid_t tid;
    int sig, count, kind;
} sending;

static void *send_while_it_reads(void *argument) {
    (void)argument;
    pid_t process = getpid(), sender = gettid();
    int status;
    for (int i = 0; i < sending.count; i++) {
        do wait_until_asleep(process, sending.tid);
        while (waits(sending.sig));
        union sigval with = {.sival_int = i};
        switch (i % 3) {
        case 0: CHECK_EQ(sigqueue(getpid(), sending.sig, with), 0); break;
        case 1: CHECK_EQ(pthread_sigqueue(sending.main, sending.sig, with), 0); break;
        default:
            // Not while this thread is about to take it for another.
            IN_CHILD(status, {
                wait_until_asleep(process, sender);
                CHECK_EQ(kill(process, sending.sig), 0);
            });
            CHECK_EQ(status, 0);
        }
    }
    return NULL;
}

static void while_it_reads(int sig, int fd) {
    sending = (struct sender_in_thread){pthread_self(), gettid(), sig, 60, 0};
    pthread_t thread = start_thread(send_while_it_reads, NULL, 0);
    for (int i = 0; i < sending.count; i++) {
        CHECK_EQ(i & 1 ? raw3(SYS_read, fd, records, sizeof records) : rawreg(SYS_read, fd, (long)records, sizeof records, 0, 0, 0),
                 sizeof *records);
        CHECK_EQ(records->ssi_signo, sig);
        if (i % 3 < 2) CHECK_EQ(records->ssi_int, i);
        else CHECK_EQ(records->ssi_code, SI_USER);
    }
    join_thread(thread);
    CHECK_EQ(waits(sig), 0);
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    for (int i = 0; i < 2; i++) {
        int sig = signals[i];
        sigset_t blocked = set_of(sig, SIGUSR1), only = set_of(sig, 0);
        sigaddset(&blocked, SIGRTMIN);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
        int blocking = signalfd(-1, &only, SFD_CLOEXEC), fd = signalfd(-1, &only, SFD_NONBLOCK);
        CHECK(blocking >= 0 && fd >= 0);
        one_of_each(sig, blocking, 0);
        one_of_each(sig, fd, 1);
        beside_others(sig);
        while_it_reads(sig, blocking);
        close(blocking), close(fd);
    }
    PASS();
}
