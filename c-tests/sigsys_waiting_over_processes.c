// A SIGSYS or SIGILL that waits: forked children begin without it, and inherit the mask; it is
// forgotten when it becomes ignored; a full queue does not lose it; handlers that edit the mask to
// come back to let it in; and it may be sent by all calls and from other processes.
#include "thread_state.h"
#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

static volatile int handled, code, value, sender;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)context;
    handled++;
    code = info->si_code;
    value = info->si_value.sival_int;
    sender = info->si_pid;
}
static int edited, unblock;
static void editor(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)info;
    sigset_t *mask = &((ucontext_t *)context)->uc_sigmask;
    CHECK_EQ(unblock ? sigdelset(mask, edited) : sigaddset(mask, edited), 0);
}
static int waits(int sig) {
    sigset_t set;
    CHECK_EQ(sigpending(&set), 0);
    return sigismember(&set, sig);
}
static int blocks(int sig) {
    sigset_t set;
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &set), 0);
    return sigismember(&set, sig);
}
static long send(int kind, pid_t process, pid_t thread, int sig, siginfo_t *info) {
    switch (kind) {
    case 0: return raw2(SYS_kill, process, sig);
    case 1: return raw2(SYS_tkill, thread, sig);
    case 2: return raw3(SYS_tgkill, process, thread, sig);
    case 3: return raw3(SYS_rt_sigqueueinfo, process, sig, info);
    default: return raw4(SYS_rt_tgsigqueueinfo, process, thread, sig, info);
    }
}
static const int codes[] = {SI_USER, SI_TKILL, SI_TKILL, SI_QUEUE, SI_QUEUE};

static void *child_thread(void *sig) {
    CHECK_EQ(blocks((int)(long)sig), 1);
    CHECK_EQ(waits((int)(long)sig), 1);
    return NULL;
}

static void by_all_calls(int sig, sigset_t *only) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;
    info.si_pid = 5;
    for (int kind = 0; kind < 5; kind++) {
        int status;
        info.si_value.sival_int = 1000 + kind;
        handled = 0;
        CHECK_EQ(sigprocmask(SIG_BLOCK, only, NULL), 0);
        CHECK_EQ(send(kind, getpid(), gettid(), sig, &info), 0);
        CHECK_EQ(send(kind, getpid(), gettid(), sig, &info), 0);
        CHECK_EQ(waits(sig), 1);
        IN_CHILD(status, {
            await_sleep(getppid());
            CHECK_EQ(waits(sig), 0);
            CHECK_EQ(blocks(sig), 1);
            CHECK_EQ(sigprocmask(SIG_UNBLOCK, only, NULL), 0);
            CHECK_EQ(handled, 0);
            CHECK_EQ(send(kind, getppid(), getppid(), sig, &info), 0); // a third one
            CHECK_EQ(send(kind, getpid(), getpid(), sig, &info), 0);
            CHECK_EQ(handled, 1);
        });
        CHECK_EQ(status, 0);
        CHECK_EQ(handled, 0);
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, only, NULL), 0);
        CHECK_EQ(handled, 1);
        CHECK_EQ(code, codes[kind]);
        if (kind >= 3) CHECK_EQ(value, 1000 + kind);
        else CHECK_EQ(sender, getpid());
        IN_CHILD(status, {
            await_sleep(getppid());
            CHECK_EQ(send(kind, getppid(), getppid(), sig, &info), 0);
        });
        CHECK_EQ(status, 0);
        CHECK_EQ(handled, 2);
        CHECK_EQ(waits(sig), 0);
    }
    CHECK_EQ(raw3(SYS_tgkill, getpid(), 1 << 22, sig), -ESRCH);
    CHECK_EQ(raw3(SYS_tgkill, getppid(), gettid(), sig), -ESRCH);
    CHECK_EQ(raw3(SYS_tgkill, getpid(), -1, sig), -EINVAL);
    CHECK_EQ(raw4(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, 8), -EFAULT);
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    for (int turn = 0; turn < 20; turn++) {
        int sig = signals[turn & 1], status;
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, sig);
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO}, ignored = {.sa_handler = SIG_IGN}, old;
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        by_all_calls(sig, &only);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
        // Threads inherit the mask; what waits for the process waits for them as well.
        pthread_t thread;
        handled = 0;
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(pthread_create(&thread, NULL, child_thread, (void *)(long)sig), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        // Ignored: both are forgotten. Sent while it is ignored and blocked, it waits.
        CHECK_EQ(pthread_kill(pthread_self(), sig), 0);
        CHECK_EQ(sigaction(sig, &ignored, &old), 0);
        CHECK(old.sa_sigaction == handler);
        CHECK_EQ(waits(sig), 0);
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(waits(sig), 1);
        CHECK_EQ(sigaction(sig, &action, &old), 0);
        CHECK(old.sa_handler == SIG_IGN);
        CHECK_EQ(waits(sig), 1);
        CHECK_EQ(sigprocmask(SIG_UNBLOCK, &only, NULL), 0);
        CHECK_EQ(handled, 1);
        CHECK_EQ(sigaction(sig, &ignored, NULL), 0);
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(raise(sig), 0);
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        CHECK_EQ(handled, 1);
        // Masks edited in a frame.
        struct sigaction edit = {.sa_sigaction = editor, .sa_flags = SA_SIGINFO};
        CHECK_EQ(sigaction(SIGUSR1, &edit, NULL), 0);
        edited = sig;
        unblock = 0;
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(blocks(sig), 1);
        CHECK_EQ(turn & 2 ? kill(getpid(), sig) : raise(sig), 0);
        CHECK_EQ(handled, 1);
        unblock = 1;
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(handled, 2);
        CHECK_EQ(blocks(sig), 0);
        // A queue that is full by now.
        IN_CHILD(status, {
            struct rlimit none = {0, 0};
            union sigval with = {.sival_int = 4711};
            CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
            handled = 0;
            CHECK_EQ(turn & 2 ? pthread_sigqueue(pthread_self(), sig, with) : sigqueue(getpid(), sig, with), 0);
            CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &none), 0);
            CHECK_EQ(waits(sig), 1);
            CHECK_EQ(handled, 0);
            CHECK_EQ(sigprocmask(SIG_UNBLOCK, &only, NULL), 0);
            CHECK_EQ(handled, 1);
            CHECK_EQ(value, 4711);
            CHECK_EQ(code, SI_QUEUE);
            CHECK_EQ(raise(sig), 0);
            CHECK_EQ(handled, 2);
            CHECK_EQ(sigqueue(getpid(), SIGRTMIN, with), -1);
            CHECK_EQ(errno, EAGAIN);
        });
        CHECK_EQ(status, 0);
        // The default action is to die of it.
        IN_CHILD(status, {
            signal(sig, SIG_DFL);
            CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
            CHECK_EQ(turn & 2 ? kill(getpid(), sig) : raise(sig), 0);
            CHECK_EQ(waits(sig), 1);
            sigprocmask(SIG_UNBLOCK, &only, NULL);
        });
        CHECK(WIFSIGNALED(status));
        CHECK_EQ(WTERMSIG(status), sig);
    }
    PASS();
}
