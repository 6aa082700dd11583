// faults_in_hook WHEN KIND DISPOSITION: lets the hook of hooks/hook_faults.rs fault, where the application
// catches, blocks or ignores the fault signals, or leaves them alone.
//   WHEN: enter exit fork clone vfork thread interrupted; KIND: see the hook
#include "../check.h"
#include <pthread.h>

static volatile sig_atomic_t caught[65];
static void on_signal(int sig) { caught[sig]++; }

static void *call_in_thread(void *kind) { return (void *)syscall(500, (long)kind, 0); }

// Ends by the signal that has ended the child.
static void die_like(long child) {
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
}

int main(int argc, char **argv) {
    CHECK_EQ(argc, 4);
    long kind = atol(argv[2]);
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGUSR1};
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < 5; i++) {
        struct sigaction action = {.sa_handler = on_signal};
        if (!strcmp(argv[3], "ignored") && i < 4) action.sa_handler = SIG_IGN;
        if (strcmp(argv[3], "default") || i == 4) CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
        if (i < 4) sigaddset(&set, signals[i]);
    }
    if (!strcmp(argv[3], "blocked")) CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memfd_create("empty", 0), 0);
    CHECK(page != MAP_FAILED);
    struct sigaction alarmed = {.sa_handler = on_signal};
    int ends[2];
    long result = -1;
    switch (argv[1][0]) {
    case 'e':
        result = syscall(argv[1][1] == 'n' ? 500 : 501, kind, page);
        break;
    case 'f': // the fork's child, in `forked`
        CHECK_EQ(syscall(502, 1, kind), 0);
        if ((result = syscall(SYS_fork)) == 0) _exit(0);
        die_like(result);
        break;
    case 'c': // the exit side of a clone, all signals blocked
        CHECK_EQ(syscall(502, SYS_fork, kind), 0);
        result = syscall(SYS_fork);
        if (!result) _exit(0);
        break;
    case 'v': // in a vfork child
        if ((result = vfork()) == 0) {
            syscall(500, kind, page);
            _exit(0);
        }
        die_like(result);
        break;
    case 't': {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, call_in_thread, (void *)kind), 0);
        CHECK_EQ(pthread_join(thread, (void **)&result), 0);
        break;
    }
    case 'i': // the exit side of a call that a signal has interrupted: on the signal stack
        CHECK_EQ(pipe(ends), 0);
        CHECK_EQ(syscall(502, SYS_read, kind), 0);
        CHECK_EQ(sigaction(SIGALRM, &alarmed, NULL), 0);
        ualarm(20000, 20000);
        result = read(ends[0], &kind, 1);
        break;
    }
    printf("result %ld, SIGSEGV %d, SIGUSR1 %d\n", result, caught[SIGSEGV], caught[SIGUSR1]);
    fflush(stdout);
    return 0;
}
