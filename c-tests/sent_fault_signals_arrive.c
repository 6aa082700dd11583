// SIGSEGV, SIGBUS and SIGFPE that another thread sends, along with a signal of another kind, arrive one by one
// in the middle of calls, forks and changes of the mask; no mask keeps anything of them.
#include "threads.h"
#include <ucontext.h>

enum { ROUNDS = 3000 };
static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
static _Atomic int arrived[65];
static _Atomic int over;
static sigset_t wanted;
static long victim;

static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    int saved = errno;
    CHECK_EQ(info->si_code, SI_TKILL);
    CHECK_EQ(info->si_signo, sig);
    CHECK_EQ(info->si_pid, getpid());
    // The mask of the interrupted code: none of these, or those of the handler that this one interrupts.
    for (int i = 0; i < 3; i++) CHECK_EQ(sigismember(&c->uc_sigmask, signals[i]), 0);
    CHECK_EQ(sigismember(&c->uc_sigmask, SIGWINCH), 1);
    CHECK_EQ(sigismember(&c->uc_sigmask, SIGSYS), 0);
    CHECK_EQ(syscall(600), -1);
    errno = saved;
    arrived[sig]++;
}

static void *send_all(void *unused) {
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        int sig = signals[round % 3], before = arrived[sig], others = arrived[SIGUSR1];
        CHECK_EQ(syscall(SYS_tgkill, getpid(), victim, SIGUSR1), 0);
        for (volatile int wait = 0; wait < round % 50 * 10; wait++) continue;
        CHECK_EQ(syscall(SYS_tgkill, getpid(), victim, sig), 0);
        while (arrived[sig] == before || arrived[SIGUSR1] == others) sched_yield();
        CHECK_EQ(arrived[sig], before + 1);
        CHECK_EQ(arrived[SIGUSR1], others + 1);
    }
    over = 1;
    return NULL;
}

int main(void) {
    victim = gettid();
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask); // they do not interrupt each other's handlers
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGWINCH);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &wanted, NULL), 0);
    sigset_t others = wanted, now;
    sigaddset(&others, SIGUSR1);
    sigdelset(&others, SIGWINCH);
    pthread_t sender = start_thread(send_all, NULL, 0);
    for (unsigned turn = 0; !over; turn++) {
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(raw1(SYS_close, -1), -EBADF);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &others, &now), 0);
        CHECK(!memcmp(&now, &wanted, 8));
        CHECK_EQ(sigprocmask(SIG_SETMASK, &wanted, NULL), 0);
        CHECK_EQ(raw2(SYS_sigaltstack, 8, NULL), -EFAULT);
        if (turn % 64 == 0) {
            int status;
            IN_CHILD(status, { sigprocmask(SIG_BLOCK, NULL, &now); _exit(memcmp(&now, &wanted, 8) != 0); });
            CHECK_EQ(status, 0);
        }
        if (turn % 64 == 32) {
            char *no_program[] = {"/nonexistent", NULL};
            CHECK_ERR(execv("/nonexistent", no_program), ENOENT);
        }
    }
    join_thread(sender);
    PASS();
}
