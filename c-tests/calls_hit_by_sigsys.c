// A SIGSYS or SIGILL that another thread sends in the very moment of a call: the call is made, once, and
// gives its own result, whatever the site, and the handler runs.
// modes: native trap rewrite fallback stat command-trap
#include "code.h"
#include <pthread.h>

enum { ROUNDS = 15000, SITES = 1024, SITE_SIZE = 16 };

static volatile int done, sent;
static volatile sig_atomic_t handled;
static pid_t process, caller;

static void handler(int sig, siginfo_t *info, void *uc) {
    (void)uc;
    CHECK_EQ(sig, sent);
    CHECK(info->si_code == SI_TKILL || info->si_code == SI_QUEUE);
    handled++;
}

static void *send_signals(void *arg) {
    (void)arg;
    while (!done) {
        siginfo_t info = {.si_code = SI_QUEUE};
        syscall(SYS_tgkill, process, caller, sent);
        syscall(SYS_rt_tgsigqueueinfo, process, caller, sent, &info);
    }
    return NULL;
}

// By a `syscall` that has no number in its bytes before it; `turn` makes the registers differ.
NOINLINE static long turning_call(long number, long turn) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(turn), "S"(0) : "rcx", "r11", "memory");
    return result;
}

static void calls_at_one_site(void) {
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(turning_call(SYS_getpid, i), process);
        CHECK_EQ(turning_call(SYS_gettid, i), caller);
        CHECK_EQ(turning_call(500, i), -ENOSYS);
    }
}

// Bytes go through a pipe in order, each by its own call.
static void bytes_through_a_pipe(void) {
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char out = (unsigned char)i, in = 0;
        CHECK_EQ(syscall(SYS_write, fds[1], &out, 1), 1);
        CHECK_EQ(syscall(SYS_read, fds[0], &in, 1), 1);
        CHECK_EQ(in, out);
    }
    close(fds[0]);
    close(fds[1]);
}

// Each site once: its first hit, which traps in every mode.
static void first_hits(void) {
    static unsigned char bytes[SITES * SITE_SIZE];
    for (int i = 0; i < SITES; i++) {
        unsigned char *site = bytes + i * SITE_SIZE;
        memset(site, 0xcc, SITE_SIZE);
        memcpy(site, "\xb8\x27\0\0\0\x0f\x05\xc3", 8); // mov $39,%eax; syscall; ret
    }
    for (int round = 0; round < 4; round++) {
        unsigned char *code = map_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE);
        for (int i = 0; i < SITES; i++) CHECK_EQ(CALL(code + i * SITE_SIZE), process);
        CHECK_EQ(munmap(code, sizeof bytes), 0);
    }
}

int main(void) {
    process = getpid();
    caller = (pid_t)syscall(SYS_gettid);
    const int signals[] = {SIGSYS, SIGILL};
    for (int i = 0; i < 2; i++) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        sent = signals[i];
        handled = done = 0;
        pthread_t sender;
        CHECK_EQ(pthread_create(&sender, NULL, send_signals, NULL), 0);
        calls_at_one_site();
        bytes_through_a_pipe();
        first_hits();
        done = 1;
        CHECK_EQ(pthread_join(sender, NULL), 0);
        CHECK(handled > 0);
    }
    PASS();
}
