// A SIGSYS or SIGILL for the process goes to a thread that does not block it, or waits for the
// process until one unblocks it; one for a thread waits for that thread alone.
#include "check.h"
#include <pthread.h>
#include <time.h>

enum { TURNS = 12 };

static volatile int handled, by_thread, code, value;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)context;
    by_thread = gettid();
    code = info->si_code;
    value = info->si_value.sival_int;
    __atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static volatile int step, done, other_thread;
static pthread_t main_thread;
static sigset_t only;

static void await(volatile int *word, int want) {
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != want) raw0(SYS_sched_yield);
}
static void reach(int wanted) { // the other thread does a step
    __atomic_store_n(&step, wanted, __ATOMIC_SEQ_CST);
    await(&done, wanted);
}
static int waits(int sig) {
    sigset_t set;
    CHECK_EQ(sigpending(&set), 0);
    return sigismember(&set, sig);
}

enum { BLOCK = 1, UNBLOCK, WAITS, WAITS_NOT, END };
static int now_signal;
static void *other(void *nothing) {
    other_thread = gettid();
    for (int last = 0;;) {
        int wanted = __atomic_load_n(&step, __ATOMIC_SEQ_CST);
        if (wanted == last) {
            raw0(SYS_getppid);
            continue;
        }
        last = wanted;
        switch (wanted & 15) {
        case BLOCK: CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0); break;
        case UNBLOCK: CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0); break;
        case WAITS: CHECK_EQ(waits(now_signal), 1); break;
        case WAITS_NOT: CHECK_EQ(waits(now_signal), 0); break;
        case END: __atomic_store_n(&done, wanted, __ATOMIC_SEQ_CST); return nothing;
        }
        __atomic_store_n(&done, wanted, __ATOMIC_SEQ_CST);
    }
}
static int serial;
static void ask(int what) { reach(++serial << 4 | what); }

static void send(int kind, int sig, int number) {
    union sigval with = {.sival_int = number};
    switch (kind) {
    case 0: CHECK_EQ(kill(getpid(), sig), 0); break;
    case 1: CHECK_EQ(sigqueue(getpid(), sig, with), 0); break;
    case 2: {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig, .sigev_value = with};
        struct itimerspec soon = {.it_value = {0, 1000}};
        timer_t timer;
        CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
        CHECK_EQ(timer_settime(timer, 0, &soon, NULL), 0);
        struct itimerspec left;
        do CHECK_EQ(timer_gettime(timer, &left), 0);
        while (left.it_value.tv_nsec);
        // Deleting it would discard the signal natively.
        break;
    }
    }
}

static void round_of(int sig) {
    static const int codes[] = {SI_USER, SI_QUEUE, SI_TIMER};
    pthread_t thread;
    now_signal = sig;
    sigemptyset(&only);
    sigaddset(&only, sig);
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
    step = done = 0;
    CHECK_EQ(pthread_create(&thread, NULL, other, NULL), 0);
    ask(UNBLOCK);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
    for (int turn = 0; turn < TURNS; turn++) {
        int kind = turn % 3;
        // The other thread takes it.
        handled = 0;
        send(kind, sig, turn);
        await(&handled, 1);
        CHECK_EQ(by_thread, other_thread);
        CHECK_EQ(code, codes[kind]);
        if (kind) CHECK_EQ(value, turn);
        // Nobody does: it waits for both, and the one that unblocks it has it.
        ask(BLOCK);
        handled = 0;
        send(kind, sig, 100 + turn);
        send(0, sig, 0); // a second one is as nothing
        while (!waits(sig)) raw0(SYS_sched_yield);
        ask(WAITS);
        CHECK_EQ(handled, 0);
        if (turn & 1) {
            CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
            CHECK_EQ(handled, 1);
            CHECK_EQ(by_thread, gettid());
            CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
        } else {
            ask(UNBLOCK);
            await(&handled, 1);
            CHECK_EQ(by_thread, other_thread);
        }
        CHECK_EQ(code, codes[kind]);
        if (kind) CHECK_EQ(value, 100 + turn);
        ask(UNBLOCK);
        CHECK_EQ(waits(sig), 0);
        // One for this thread waits for it alone, beside one for the process.
        handled = 0;
        CHECK_EQ(pthread_kill(main_thread, sig), 0);
        CHECK_EQ(waits(sig), 1);
        ask(WAITS_NOT);
        ask(BLOCK);
        ask(WAITS_NOT);
        send(0, sig, 0);
        ask(WAITS);
        CHECK_EQ(handled, 0);
        CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
        CHECK_EQ(handled, 2);
        CHECK_EQ(by_thread, gettid());
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, &only, NULL), 0);
        // And so one for the other.
        handled = 0;
        CHECK_EQ(pthread_kill(thread, sig), 0);
        ask(WAITS);
        CHECK_EQ(waits(sig), 0);
        ask(UNBLOCK);
        CHECK_EQ(handled, 1);
        CHECK_EQ(by_thread, other_thread);
        CHECK_EQ(code, SI_TKILL);
    }
    // It ends while it is the only one that takes it: what comes then waits.
    ask(END);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    handled = 0;
    send(0, sig, 0);
    CHECK_EQ(waits(sig), 1);
    CHECK_EQ(handled, 0);
    CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &only, NULL), 0);
    CHECK_EQ(handled, 1);
}

int main(void) {
    main_thread = pthread_self();
    round_of(SIGSYS);
    round_of(SIGILL);
    PASS();
}
