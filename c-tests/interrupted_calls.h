// A thread that waits until its victim sleeps in the kernel, and then sends it a signal.
#ifndef INTERRUPTED_CALLS_H
#define INTERRUPTED_CALLS_H
#include "thread_state.h"
#include "threads.h"

static volatile sig_atomic_t handled;
static void count_signal(int sig) {
    (void)sig;
    handled++;
    raw0(SYS_getppid);
}

static MAYBE_UNUSED void catch_signal(int sig, int flags) {
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
}

struct assault {
    pid_t victim;
    int signals, then_fd; // how many signals; after them one byte goes to this descriptor if it is not -1
    int *then_futex;      // or this word becomes 1 and is woken
    int signal;
};

static MAYBE_UNUSED void *assail(void *argument) {
    struct assault *a = argument;
    for (int i = 0; i < a->signals; i++) {
        int before = handled;
        wait_until_asleep(getpid(), a->victim);
        CHECK_EQ(syscall(SYS_tgkill, getpid(), a->victim, a->signal), 0);
        while (handled == before) usleep(200);
    }
    if (a->then_fd >= 0 || a->then_futex) wait_until_asleep(getpid(), a->victim);
    if (a->then_fd >= 0) CHECK_EQ(write(a->then_fd, "x", 1), 1);
    if (a->then_futex) {
        __atomic_store_n(a->then_futex, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, a->then_futex, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
    }
    return NULL;
}

// Runs one expression, which blocks, under such an assault.
#define UNDER_ASSAULT(count, fd, word, expression)                                       \
    __extension__({                                                                      \
        struct assault a_ = {(pid_t)syscall(SYS_gettid), (count), (fd), (word), SIGUSR1}; \
        handled = 0;                                                                     \
        pthread_t t_ = start_thread(assail, &a_, 0);                                     \
        long r_ = (long)(expression);                                                    \
        join_thread(t_);                                                                 \
        CHECK_EQ(handled, (count));                                                      \
        r_;                                                                              \
    })
#endif
