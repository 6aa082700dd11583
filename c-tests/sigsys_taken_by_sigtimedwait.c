// sigtimedwait, sigwaitinfo and sigwait take a SIGSYS or SIGILL that waits, or comes while they wait,
// with all that it says; they end at their timeout, and by the handler of another signal.
// Where every call traps, one of them may be swallowed (README, Limits).
// modes: native rewrite fallback
#include "thread_state.h"
#include <pthread.h>
#include <time.h>

static volatile int handled;
static void handler(int sig) {
    (void)sig;
    handled++;
}
static sigset_t set;
static pthread_t main_thread;
static int now_signal;

static pid_t main_number;
static void *sender(void *how) {
    union sigval with = {.sival_int = 77};
    await_sleep(main_number);
    switch ((long)how) {
    case 0: CHECK_EQ(kill(getpid(), now_signal), 0); break;
    case 1: CHECK_EQ(pthread_kill(main_thread, now_signal), 0); break;
    case 2: CHECK_EQ(sigqueue(getpid(), now_signal, with), 0); break;
    case 3: CHECK_EQ(pthread_sigqueue(main_thread, now_signal, with), 0); break;
    case 4: CHECK_EQ(pthread_kill(main_thread, SIGUSR1), 0); break;
    case 6: CHECK_EQ(pthread_kill(main_thread, now_signal ^ SIGSYS ^ SIGILL), 0); break;
    case 5: // one that is ignored, and then one that is waited for
        CHECK_EQ(pthread_kill(main_thread, now_signal ^ SIGSYS ^ SIGILL), 0);
        await_sleep(main_number);
        CHECK_EQ(pthread_kill(main_thread, now_signal), 0);
        break;
    }
    return NULL;
}

static volatile pid_t taker_number;
static void await_taker(void) {
    while (!taker_number) raw0(SYS_sched_yield);
    await_sleep(taker_number);
    taker_number = 0;
}

static void *taker(void *result) {
    int sig;
    sigset_t all;
    sigfillset(&all);
    __atomic_store_n(&taker_number, gettid(), __ATOMIC_SEQ_CST);
    CHECK_EQ(sigwait(&all, &sig), 0);
    *(int *)result = sig;
    return NULL;
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL}, codes[] = {SI_USER, SI_TKILL, SI_QUEUE, SI_QUEUE};
    struct sigaction action = {.sa_handler = handler};
    struct timespec zero = {0, 0}, little = {0, 200000}, bad = {0, 1000000000}, much = {100000, 0};
    main_thread = pthread_self();
    main_number = getpid();
    const uid_t user = getuid();
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int turn = 0; turn < 40; turn++) {
        siginfo_t info;
        pthread_t thread;
        int sig = now_signal = signals[turn & 1];
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
        handled = 0;
        sigemptyset(&set);
        sigaddset(&set, sig);
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
        CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
        CHECK_ERR(sigtimedwait(&set, &info, &little), EAGAIN);
        CHECK_EQ(raw4(SYS_rt_sigtimedwait, &set, &info, &bad, 8), -EINVAL);
        CHECK_EQ(raw4(SYS_rt_sigtimedwait, &set, &info, &zero, 16), -EINVAL);
        CHECK_EQ(raw4(SYS_rt_sigtimedwait, &set, &info, 8, 8), -EFAULT);
        CHECK_EQ(raw4(SYS_rt_sigtimedwait, 8, &info, &zero, 8), -EFAULT);
        // Those that wait, and those that come, by all the ways that there are.
        for (long how = 0; how < 4; how++)
            for (int early = 0; early < 2; early++) {
                memset(&info, 0x55, sizeof info);
                CHECK_EQ(pthread_create(&thread, NULL, sender, (void *)how), 0);
                if (early) CHECK_EQ(pthread_join(thread, NULL), 0);
                CHECK_EQ(raw4(SYS_rt_sigtimedwait, &set, &info, turn & 2 ? &much : NULL, 8), sig);
                CHECK_EQ(info.si_signo, sig);
                CHECK_EQ(info.si_code, codes[how]);
                CHECK_EQ(info.si_pid, main_number);
                CHECK_EQ(info.si_uid, user);
                if (how >= 2) CHECK_EQ(info.si_value.sival_int, 77);
                if (!early) CHECK_EQ(pthread_join(thread, NULL), 0);
                CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
            }
        // One for the thread before one for the process.
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(pthread_kill(main_thread, sig), 0);
        CHECK_EQ(raw4(SYS_rt_sigtimedwait, &set, &info, NULL, 8), sig);
        CHECK_EQ(info.si_code, SI_TKILL); // libc's says SI_USER
        CHECK_EQ(sigwaitinfo(&set, NULL), sig);
        CHECK_ERR(sigtimedwait(&set, NULL, &zero), EAGAIN);
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(raw4(SYS_rt_sigtimedwait, &set, 8, &zero, 8), -EFAULT);
        // Another signal's handler.
        CHECK_EQ(handled, 0);
        CHECK_EQ(pthread_create(&thread, NULL, sender, (void *)4), 0);
        for (;;) { // it may come before the call
            CHECK_EQ(sigtimedwait(&set, &info, handled ? &zero : &much), -1);
            if (errno == EINTR) break;
            CHECK_EQ(handled, 1);
            break;
        }
        CHECK_EQ(handled, 1);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        // One that is ignored, and not waited for.
        sigset_t other;
        sigemptyset(&other);
        sigaddset(&other, sig ^ SIGSYS ^ SIGILL);
        CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &other, NULL), 0);
        signal(sig ^ SIGSYS ^ SIGILL, SIG_IGN);
        CHECK_EQ(pthread_create(&thread, NULL, sender, (void *)5), 0);
        CHECK_EQ(sigtimedwait(&set, &info, &much), sig);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(sigaction(sig ^ SIGSYS ^ SIGILL, &action, NULL), 0);
        CHECK_EQ(handled, 1);
        CHECK_EQ(pthread_create(&thread, NULL, sender, (void *)6), 0);
        CHECK_ERR(sigtimedwait(&set, &info, &much), EINTR);
        CHECK_EQ(handled, 2);
        handled = 1;
        CHECK_EQ(pthread_join(thread, NULL), 0);
        // A thread that waits for it is one that takes it.
        int taken = 0;
        sigset_t all, old;
        sigfillset(&all);
        CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, &old), 0);
        CHECK_EQ(pthread_create(&thread, NULL, taker, &taken), 0);
        await_taker();
        CHECK_EQ(kill(getpid(), sig), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(taken, sig);
        CHECK_EQ(pthread_create(&thread, NULL, taker, &taken), 0);
        await_taker();
        CHECK_EQ(pthread_kill(thread, sig), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(taken, sig);
        CHECK_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
        CHECK_EQ(handled, 1);
    }
    PASS();
}
