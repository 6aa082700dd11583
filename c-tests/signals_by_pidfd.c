// pidfd_send_signal to the process itself, to a thread of it, to another process and its thread: handlers get the
// signal with the sender's number, or what the sender says; one that is blocked waits. SIGSYS and SIGILL, of which one for
// a thread can get lost beside a trap, are sent to processes only.
// timeout: 200
#include "calls_beside.h"
#include <sys/prctl.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define SIGNAL_THREAD 1
#define SIGNAL_THREAD_GROUP 2

static volatile sig_atomic_t count, by, code, sender, value;
static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    (void)sig, (void)context;
    by = gettid(), code = info->si_code, sender = info->si_pid, value = info->si_value.sival_int;
    CHECK_EQ(raw0(600), -ENOSYS);
    errno = saved;
    count++;
}

static long send_by(int pidfd, int sig, siginfo_t *info, unsigned flags) { return syscall(SYS_pidfd_send_signal, pidfd, sig, info, flags); }

int main(void) {
    const int signals[] = {SIGUSR1, SIGRTMIN, SIGSEGV, SIGSYS, SIGILL};
    pthread_t thread = start_thread(calls, NULL, 0);
    while (!other) usleep(20);
    int process = (int)syscall(SYS_pidfd_open, getpid(), 0), of_thread = (int)syscall(SYS_pidfd_open, other, PIDFD_THREAD);
    CHECK(process >= 0);
    if (of_thread < 0) SKIP("no pidfd of a thread");
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        int sig = signals[i], ours = sig == SIGSYS || sig == SIGILL, status;
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        for (int turn = 0; turn < 20; turn++) {
            count = 0;
            CHECK_EQ(send_by(process, sig, NULL, 0), 0);
            while (count == 0) usleep(20);
            CHECK_EQ(code, SI_USER);
            CHECK_EQ(sender, getpid());
            if (ours) continue;
            CHECK_EQ(send_by(of_thread, sig, NULL, 0), 0);
            while (count == 1) usleep(20);
            CHECK_EQ(by, other);
            CHECK_EQ(code, SI_TKILL);
            siginfo_t info = {.si_signo = sig, .si_code = SI_QUEUE, .si_value.sival_int = turn};
            CHECK_EQ(send_by(process, sig, &info, 0), 0);
            while (count == 2) usleep(20);
            CHECK_EQ(code, SI_QUEUE);
            CHECK_EQ(value, turn);
            CHECK_EQ(send_by(of_thread, sig, NULL, SIGNAL_THREAD_GROUP), 0);
            while (count == 3) usleep(20);
            CHECK_EQ(code, SI_USER);
            CHECK_EQ(send_by(process, sig, NULL, SIGNAL_THREAD), 0);
            while (count == 4) usleep(20);
            CHECK_EQ(by, getpid());
            CHECK_EQ(code, SI_TKILL);
            info.si_signo = sig + 1;
            CHECK_ERR(send_by(process, sig, &info, 0), EINVAL);
            CHECK_ERR(send_by(process, sig, NULL, 0x100), EINVAL);
        }
        // Blocked by the main thread, where it waits, and by the other, for the process.
        sigset_t only, before, waiting;
        sigemptyset(&only), sigaddset(&only, sig);
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, &before), 0);
        count = 0;
        CHECK_EQ(send_by(process, sig, NULL, ours ? 0 : SIGNAL_THREAD), 0);
        if (ours) pthread_sigmask(SIG_SETMASK, &before, NULL);
        while (ours && count == 0) usleep(20);
        if (ours) continue;
        CHECK_EQ(sigpending(&waiting), 0);
        CHECK_EQ(sigismember(&waiting, sig), 1);
        CHECK_EQ(count, 0);
        CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
        CHECK_EQ(count, 1);
        // From a child to its parent.
        count = 0;
        IN_CHILD(status, {
            CHECK_EQ(send_by(process, sig, NULL, 0), 0);
            CHECK_EQ(send_by(of_thread, 0, NULL, 0), 0);
            siginfo_t forged = {.si_signo = sig, .si_code = SI_USER};
            CHECK_ERR(send_by(process, sig, &forged, 0), EPERM);
        });
        CHECK_EQ(status, 0);
        while (count == 0) usleep(20);
        CHECK_EQ(code, SI_USER);
    }
    over = 1;
    join_thread(thread);
    while (send_by(of_thread, 0, NULL, 0) == 0) usleep(20);
    CHECK_EQ(errno, ESRCH);
    PASS();
}
