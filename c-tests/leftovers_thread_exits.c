// modes: native trap rewrite
// timeout: 300
// 100,000 threads end by pthread_exit and by exit(2), in handlers too (nested, on the alternate
// stack, out of waits), with signals pending and blocked; some handlers fork, and parent and child
// jump out of them. Nothing is left behind.
#include "leftovers.h"
#include "threads.h"
#include <setjmp.h>

static __thread long kind, depth;
static int cleaned, wanted;
static void clean(void *argument) {
    (void)argument;
    raw0(SYS_getpid);
    cleaned++;
}
static void send_self(int sig) { CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), sig), 0); }

static void leave(int sig) {
    raw0(SYS_getpid);
    if (depth-- > 0) send_self(sig); // SA_NODEFER
    if (kind % 2) raw1(SYS_exit, 0);
    pthread_exit(NULL);
}

enum { KINDS = 10 };
static void *body(void *argument) {
    sigset_t set;
    kind = (long)argument;
    depth = 0;
    pthread_cleanup_push(clean, NULL);
    switch (kind) {
    case 0: pthread_exit(NULL);
    case 1: raw1(SYS_exit, 0); break;
    case 2:
    case 3: send_self(SIGUSR1); break;
    case 4:
    case 5: {
        static char altstack[65536];
        stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
        CHECK_EQ(sigaltstack(&stack, NULL), 0);
        depth = 3;
        send_self(SIGUSR2);
        break;
    }
    case 6:
    case 7: // out of a wait
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
        send_self(SIGUSR1);
        sigemptyset(&set);
        sigsuspend(&set);
        break;
    case 8:
    case 9: // pending for ever
        sigfillset(&set);
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8), 0);
        send_self(SIGUSR1);
        send_self(SIGSEGV);
        for (int i = 0; i < 3; i++) CHECK_EQ(pthread_sigqueue(pthread_self(), SIGRTMIN + i, (union sigval){.sival_int = i}), 0);
        if (kind % 2) raw1(SYS_exit, 0);
        pthread_exit(NULL);
    }
    CHECK(!"it is still there");
    pthread_cleanup_pop(0);
    return NULL;
}

static sigjmp_buf back;
static volatile pid_t child;
static void fork_and_jump(int sig) {
    child = fork();
    siglongjmp(back, sig);
}

static void forks(long rounds) {
    struct sigaction action = {.sa_handler = fork_and_jump};
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    for (volatile long round = 0; round < rounds; round++) {
        int status;
        if (!sigsetjmp(back, 1)) {
            send_self(SIGALRM);
            CHECK(!"the signal came");
        }
        CHECK(child >= 0);
        if (child == 0) {
            check_that_calls_work();
            _exit(7);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 7 << 8);
        round_is_over(round, rounds);
    }
}

int main(void) {
    struct sigaction action = {.sa_handler = leave, .sa_flags = SA_NODEFER};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    action.sa_flags |= SA_ONSTACK;
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    long rounds = all_rounds();
    for (long round = 0; round < rounds; round++) {
        join_thread(start_thread(body, (void *)(round % KINDS), 65536));
        wanted += round % KINDS % 2 == 0; // pthread_exit
        CHECK_EQ(cleaned, wanted);
        round_is_over(round, rounds);
    }
    forks(rounds / 50);
    PASS();
}
