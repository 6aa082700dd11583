// What the tests of signalfd share: senders, and what is read.
#ifndef SIGNALFD_H
#define SIGNALFD_H
#include "interrupted_calls.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>

enum sender { KILL, KILL_BY_CHILD, TGKILL, TGKILL_BY_CHILD, SIGQUEUE, PTHREAD_SIGQUEUE, SENDERS };

static MAYBE_UNUSED void send_by(enum sender sender, int sig, int value) {
    int status;
    union sigval with = {.sival_int = value};
    pid_t pid = getpid(), tid = gettid();
    switch (sender) {
    case KILL: CHECK_EQ(kill(pid, sig), 0); break;
    case KILL_BY_CHILD: IN_CHILD(status, CHECK_EQ(kill(pid, sig), 0)); break;
    case TGKILL: CHECK_EQ(syscall(SYS_tgkill, pid, tid, sig), 0); break;
    case TGKILL_BY_CHILD: IN_CHILD(status, CHECK_EQ(syscall(SYS_tgkill, pid, tid, sig), 0)); break;
    case SIGQUEUE: CHECK_EQ(sigqueue(pid, sig, with), 0); break;
    case PTHREAD_SIGQUEUE: CHECK_EQ(pthread_sigqueue(pthread_self(), sig, with), 0); break;
    case SENDERS: break;
    }
}

// Prints all fields of a record; process numbers by whose they are.
static MAYBE_UNUSED void print_record(const struct signalfd_siginfo *r) {
    printf("signo %u errno %d code %d pid %s uid %d fd %d tid %u band %u overrun %u trapno %u status %d int %d ptr %llu "
           "utime %llu stime %llu addr %llu lsb %u syscall %d call_addr %llu arch %u\n",
           r->ssi_signo, r->ssi_errno, r->ssi_code, (pid_t)r->ssi_pid == getpid() ? "own" : r->ssi_pid ? "another" : "0",
           r->ssi_uid == getuid(), r->ssi_fd, r->ssi_tid, r->ssi_band, r->ssi_overrun, r->ssi_trapno, r->ssi_status, r->ssi_int,
           (unsigned long long)r->ssi_ptr & 0xffffffff, (unsigned long long)r->ssi_utime, (unsigned long long)r->ssi_stime,
           (unsigned long long)r->ssi_addr, r->ssi_addr_lsb, r->ssi_syscall, (unsigned long long)r->ssi_call_addr, r->ssi_arch);
}

static MAYBE_UNUSED sigset_t set_of(int a, int b) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, a);
    if (b) sigaddset(&set, b);
    return set;
}

static MAYBE_UNUSED int waits(int sig) {
    sigset_t set;
    CHECK_EQ(sigpending(&set), 0);
    return sigismember(&set, sig);
}
#endif
