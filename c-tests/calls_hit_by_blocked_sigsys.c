// A SIGSYS or SIGILL that is blocked is sent in the very moment of calls at a site that always traps: each call is
// made, once, and gives its own result; the signal waits, is seen and is taken once, with all that it says.
// modes: native trap rewrite fallback stat command-trap
// timeout: 600
#include "code.h"
#include "threads.h"
#include <time.h>

enum { TURNS = 200, TAKEN_FROM_CHILD = 60 };
enum way { TO_THREAD, TO_PROCESS, WAYS };

static pid_t process, caller;
static int sent, other_sent, fds[2];
static long calls;
static struct shared { volatile int turn, done; } *shared;

// Writable code is never rewritten: mov %rdi,%rax; mov %rsi,%rdi; mov %rdx,%rsi; mov %rcx,%rdx; mov %r8,%r10; syscall; ret
static const unsigned char bytes[] = "\x48\x89\xf8\x48\x89\xf7\x48\x89\xd6\x48\x89\xca\x4d\x89\xc2\x0f\x05\xc3";
static long (*trapping)(long number, long a, long b, long c, long d);
#define TRAPPING(number, a, b, c, d) trapping(number, (long)(a), (long)(b), (long)(c), (long)(d))

static void spin(unsigned steps) {
    for (volatile unsigned i = 0; i < steps; i++) {}
}

// One signal for each turn.
static void *send_one_a_turn(void *way) {
    unsigned random = 1;
    for (int turn = 1; turn <= TURNS; turn++) {
        while (shared->turn != turn) sched_yield();
        random = random * 1103515245 + 12345;
        spin((random >> 17) % 3000);
        union sigval value = {.sival_int = turn};
        siginfo_t info = {.si_code = SI_QUEUE};
        info.si_pid = process;
        info.si_value = value;
        if (*(enum way *)way == TO_THREAD) CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, process, caller, sent, &info), 0);
        else CHECK_EQ(sigqueue(process, sent, value), 0);
    }
    return NULL;
}

// Many of the other signal beside that.
static void *send_many(void *argument) {
    for (int i = 0; !shared->done; i++) {
        CHECK_EQ(syscall(SYS_tgkill, process, caller, other_sent), 0);
        if (i % 16 == 0) sched_yield();
    }
    return argument;
}

static int waits(int sig) {
    uint64_t set = 0;
    CHECK_EQ(TRAPPING(SYS_rt_sigpending, &set, 8, 0, 0), 0);
    return set >> (sig - 1) & 1;
}

static long take(int sig, siginfo_t *info) {
    uint64_t set = 1ull << (sig - 1);
    struct timespec zero = {0, 0};
    return TRAPPING(SYS_rt_sigtimedwait, &set, info, &zero, 8);
}

// Bytes go through a pipe in order, each by its own call; `calls` makes the registers differ.
static void make_calls(void) {
    for (int i = 0; i < 4; i++) {
        unsigned char out = (unsigned char)++calls, in = 0;
        CHECK_EQ(TRAPPING(SYS_write, fds[1], &out, 1, calls), 1);
        CHECK_EQ(TRAPPING(SYS_read, fds[0], &in, 1, calls), 1);
        CHECK_EQ(in, out);
        CHECK_EQ(TRAPPING(SYS_gettid, 0, 0, 0, 0), caller);
        CHECK_EQ(TRAPPING(500, 0, 0, 0, 0), -ENOSYS);
    }
}

static void from_threads(enum way way) {
    siginfo_t info;
    shared->turn = shared->done = 0;
    pthread_t one = start_thread(send_one_a_turn, &way, 0), many = start_thread(send_many, NULL, 0);
    for (int turn = 1; turn <= TURNS; turn++) {
        CHECK(!waits(sent));
        CHECK_EQ(take(sent, &info), -EAGAIN);
        shared->turn = turn;
        do make_calls();
        while (!waits(sent));
        CHECK(waits(sent));
        CHECK_EQ(take(sent, &info), sent);
        CHECK_EQ(info.si_signo, sent);
        CHECK_EQ(info.si_code, SI_QUEUE);
        CHECK_EQ(info.si_pid, process);
        CHECK_EQ(info.si_value.sival_int, turn);
        long taken = take(other_sent, &info);
        CHECK(taken == -EAGAIN || (taken == other_sent && info.si_code == SI_TKILL));
    }
    shared->done = 1;
    join_thread(one);
    join_thread(many);
    CHECK(waits(other_sent) == (take(other_sent, &info) == other_sent));
    CHECK(!waits(sent));
    CHECK(!waits(other_sent));
}

// From another process one of many may be lost beside a trap, but no call is.
static void from_child(void) {
    siginfo_t info;
    shared->done = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; !shared->done; i++) {
            raw3(SYS_tgkill, process, caller, sent);
            if (i % 16 == 0) sched_yield();
        }
        _exit(0);
    }
    for (int taken = 0; taken < TAKEN_FROM_CHILD;) {
        make_calls();
        long result = take(sent, &info);
        CHECK(result == -EAGAIN || (result == sent && info.si_code == SI_TKILL && info.si_pid == child));
        taken += result == sent;
    }
    shared->done = 1;
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    take(sent, &info);
    CHECK(!waits(sent));
}

int main(void) {
    sigset_t both;
    process = getpid();
    caller = (pid_t)syscall(SYS_gettid);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    *(void **)&trapping = make_code(bytes, sizeof bytes - 1, PROT_READ | PROT_WRITE | PROT_EXEC);
    CHECK_EQ(pipe(fds), 0);
    sigemptyset(&both);
    sigaddset(&both, SIGSYS);
    sigaddset(&both, SIGILL);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &both, NULL), 0);
    for (int round = 0; round < 2; round++) {
        sent = round ? SIGILL : SIGSYS;
        other_sent = round ? SIGSYS : SIGILL;
        for (int way = 0; way < WAYS; way++) from_threads((enum way)way);
        from_child();
    }
    PASS();
}
