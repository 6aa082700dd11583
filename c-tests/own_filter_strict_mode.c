// Strict mode: read, write, exit and sigreturn go on, anything else ends the thread by SIGKILL; both
// calls set it, but not beside a filter, and with nothing else in their arguments.
// also: sud
#include "own_filter.h"
#include <pthread.h>

static volatile int handled;
static void on_signal(int sig) {
    (void)sig;
    handled++;
    SAY("handled\n");
}

static long by_prctl(void) { return raw5(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 1, 2, 3); }
static long by_seccomp(void) { return raw3(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL); }

static void show(const char *what, int status) {
    if (WIFSIGNALED(status)) printf("%s: signal %d, core %d\n", what, WTERMSIG(status), WCOREDUMP(status) != 0);
    else printf("%s: status %d\n", what, WEXITSTATUS(status));
}

static void permitted(void) {
    char byte = 0;
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(by_seccomp(), 0);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(write(ends[1], "x", 1), 1);
        CHECK_EQ(raw3(SYS_read, ends[0], &byte, 1), 1);
        CHECK_EQ(byte, 'x');
    }
    raw1(SYS_exit, 7);
}

// A child in strict mode that reads, and is sent signals.
static void signalled(void) {
    int to[2], from[2], status;
    char byte;
    CHECK_EQ(pipe(to), 0);
    CHECK_EQ(pipe(from), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        CHECK_EQ(by_prctl(), 0);
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(write(from[1], "r", 1), 1);
            CHECK_EQ(raw3(SYS_read, to[0], &byte, 1), 1);
            CHECK_EQ(handled, i + 1);
        }
        raw1(SYS_exit, 8);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(read(from[0], &byte, 1), 1);
        CHECK_EQ(kill(child, SIGUSR1), 0);
        CHECK_EQ(write(to[1], "x", 1), 1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    show("signalled", status);
}

static void *in_thread(void *arg) {
    CHECK_EQ(by_seccomp(), 0);
    if (arg) raw0(SYS_getpid);
    raw1(SYS_exit, 0);
    return arg;
}

static void *not_strict(void *arg) {
    CHECK_EQ(raw0(SYS_getpid), getpid());
    return arg;
}

static void threads(void) {
    for (int i = 0; i < 6; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, in_thread, (void *)(long)(i & 1)), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(pthread_create(&thread, NULL, not_strict, NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    _exit(6);
}

int main(void) {
    int status;
    IN_CHILD(status, _exit(by_prctl() == -EINVAL ? 77 : 0));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) SKIP("a filter is installed here");
    IN_CHILD(status, permitted());
    show("permitted", status);
    signalled();
    static const int numbers[] = {SYS_getpid, SYS_exit_group, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_fork, SYS_close, SYS_dup, SYS_prctl, 500, -1};
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        IN_CHILD(status, { CHECK_EQ(by_prctl(), 0); rawreg(numbers[i], 0, 0, 0, 0, 0, 0); raw1(SYS_exit, 9); });
        show("another call", status);
        IN_CHILD(status, { CHECK_EQ(by_seccomp(), 0); rawreg(numbers[i], 0, 0, 0, 0, 0, 0); raw1(SYS_exit, 9); });
        show("another call", status);
    }
    IN_CHILD(status, { CHECK_EQ(by_prctl(), 0); });
    show("an end by exit_group", status);
    IN_CHILD(status, { signal(SIGSYS, SIG_IGN); CHECK_EQ(by_prctl(), 0); raw0(SYS_getpid); });
    show("SIGSYS is ignored", status);
    IN_CHILD(status, {
        printf("%ld %ld %ld\n", raw3(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), raw3(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, &status),
               raw5(SYS_prctl, PR_SET_SECCOMP, 0, 0, 0, 0));
        decide(SYS_setfsuid, SECCOMP_RET_ERRNO | 5);
        printf("%ld %ld\n", by_prctl(), by_seccomp());
        fflush(stdout);
    });
    show("beside a filter", status);
    IN_CHILD(status, threads());
    show("threads", status);
    // The tool that times calls reads the clock itself.
    if (strcmp(getenv("C_TESTS_MODE"), "stat") != 0) {
        IN_CHILD(status, { CHECK_EQ(by_prctl(), 0); __builtin_ia32_rdtsc(); raw1(SYS_exit, 9); });
        CHECK(WIFSIGNALED(status));
        CHECK_EQ(WTERMSIG(status), SIGSEGV);
    }
    PASS();
}
