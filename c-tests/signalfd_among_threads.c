// Threads that read one signalfd, others that wait for it, and others that read pipes: each SIGSYS or SIGILL
// is read once, by one of them, with what its sender has said; nobody else's bytes get lost.
// modes: native rewrite fallback stat command
#include "signalfd.h"

enum { SIGNALS = 1500, READERS = 3, PIPE_BYTES = 200 };

static int signal_sent, fd, nonblocking, pipes[2];
static volatile int over, taken, last_value, warm;
static pid_t numbers[READERS];
static int by_reader[READERS + 1];

static void count_record(const struct signalfd_siginfo *record, int reader) {
    CHECK_EQ(record->ssi_signo, signal_sent);
    CHECK(record->ssi_code == SI_QUEUE || record->ssi_code == SI_USER);
    if (record->ssi_code == SI_QUEUE) {
        if (record->ssi_int < 0) return; // the last ones
        last_value = record->ssi_int;
    }
    by_reader[reader]++;
    __atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
}

static void *read_signals(void *argument) {
    struct signalfd_siginfo record;
    numbers[(long)argument] = gettid();
    while (!over) {
        CHECK_EQ(read(fd, &record, sizeof record), (long)sizeof record);
        count_record(&record, (int)(long)argument);
    }
    return NULL;
}

static void *wait_for_signals(void *argument) {
    struct signalfd_siginfo record;
    while (!over) {
        struct pollfd ready = {.fd = nonblocking, .events = POLLIN};
        CHECK(poll(&ready, 1, 20) >= 0);
        long got = read(nonblocking, &record, sizeof record);
        warm++;
        if (got < 0 && errno == EAGAIN) continue;
        CHECK_EQ(got, (long)sizeof record);
        count_record(&record, (int)(long)argument);
    }
    return NULL;
}

static void *read_pipe(void *argument) {
    unsigned char bytes[PIPE_BYTES], next = 0;
    (void)argument;
    for (;;) {
        long got = read(pipes[0], bytes, sizeof bytes);
        if (got == 0) return NULL;
        CHECK(got > 0);
        for (int i = 0; i < got; i++) CHECK_EQ(bytes[i], next++);
    }
}

static void *write_pipe(void *argument) {
    unsigned char bytes[PIPE_BYTES], next = 0;
    (void)argument;
    while (!over) {
        for (int i = 0; i < PIPE_BYTES; i++) bytes[i] = next++;
        CHECK_EQ(write(pipes[1], bytes, sizeof bytes), (long)sizeof bytes);
        usleep(50);
    }
    CHECK_EQ(close(pipes[1]), 0);
    return NULL;
}

static void among_threads(void) {
    sigset_t only = set_of(signal_sent, 0);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &only, NULL), 0);
    fd = signalfd(-1, &only, 0), nonblocking = signalfd(-1, &only, SFD_NONBLOCK);
    CHECK_EQ(pipe(pipes), 0);
    pthread_t readers[READERS], other = start_thread(wait_for_signals, (void *)(long)READERS, 0);
    for (int i = 0; i < READERS; i++) readers[i] = start_thread(read_signals, (void *)(long)i, 0);
    pthread_t reader = start_thread(read_pipe, NULL, 0), writer = start_thread(write_pipe, NULL, 0);
    // One in the moment of a trap is another matter: all sites are rewritten by then.
    while (warm < 2) usleep(1000);
    for (int i = 0; i < READERS; i++) wait_until_asleep(getpid(), numbers[i]);
    int to_child[2], status;
    CHECK_EQ(pipe(to_child), 0);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        char byte;
        close(to_child[1]), close(pipes[1]);
        while (read(to_child[0], &byte, 1) == 1) CHECK_EQ(kill(parent, signal_sent), 0);
        _exit(0);
    }
    for (int i = 0; i < SIGNALS; i++) {
        union sigval with = {.sival_int = i};
        switch (i % 3) {
        case 0: CHECK_EQ(sigqueue(parent, signal_sent, with), 0); break;
        case 1: CHECK_EQ(pthread_sigqueue(readers[i % READERS], signal_sent, with), 0); break;
        case 2: CHECK_EQ(write(to_child[1], "x", 1), 1); break;
        }
        while (taken == i) sched_yield();
        CHECK_EQ(taken, i + 1);
        if (i % 3 < 2) CHECK_EQ(last_value, i);
    }
    CHECK_EQ(waits(signal_sent), 0);
    over = 1;
    union sigval end = {.sival_int = -1};
    for (int i = 0; i < READERS; i++) {
        CHECK_EQ(pthread_sigqueue(readers[i], signal_sent, end), 0);
        join_thread(readers[i]);
    }
    join_thread(other), join_thread(writer), join_thread(reader);
    CHECK_EQ(taken, SIGNALS);
    close(to_child[1]);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

int main(void) {
    const int signals[] = {SIGSYS, SIGILL};
    for (int i = 0; i < 2; i++) {
        int status;
        IN_CHILD(status, signal_sent = signals[i], among_threads());
        CHECK_EQ(status, 0);
    }
    PASS();
}
