// getpid and gettid give the caller's own numbers, from the same two sites in every kind of process and thread: threads,
// children by fork, vfork and clone, other PID namespaces, behind an exec; and a filter against them holds.
#include "clone.h"
#include "own_filter.h"
#include "threads.h"
#include <sched.h>

NOINLINE static long process(void) { return raw0(SYS_getpid); }
NOINLINE static long thread(void) { return raw0(SYS_gettid); }

// As /proc has them.
static void check(void) {
    char link[64] = {0}, want[64];
    CHECK(readlink("/proc/thread-self", link, sizeof link - 1) > 0);
    for (int i = 0; i < 3; i++) {
        snprintf(want, sizeof want, "%ld/task/%ld", process(), thread());
        CHECK(!strcmp(link, want));
    }
}

#define CHILD(...)                     \
    do {                               \
        int status_;                   \
        IN_CHILD(status_, __VA_ARGS__); \
        CHECK_EQ(status_, 0);          \
    } while (0)

static void *in_thread(void *unused) {
    (void)unused;
    check();
    CHECK(process() != thread());
    CHILD(check(); CHECK_EQ(process(), thread()));
    return NULL;
}

static long seen[2];
static int shares_memory(void *unused) {
    (void)unused;
    seen[0] = process();
    seen[1] = thread();
    return 0;
}

static void cloned(long flags) {
    static char stack[64 << 10] __attribute__((aligned(16)));
    int status;
    long child = raw_clone(flags | SIGCHLD, flags & CLONE_VM ? stack + sizeof stack : NULL, NULL, NULL, NULL, shares_memory, NULL);
    CHECK(child > 0);
    CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
    CHECK_EQ(status, 0);
    if (flags & CLONE_VM) {
        CHECK_EQ(seen[0], child);
        CHECK_EQ(seen[1], child);
    }
    check();
}

static void in_namespace(void) {
    if (unshare(CLONE_NEWPID) != 0) _exit(0); // only who may
    check();
    CHILD(CHECK_EQ(process(), 1); CHECK_EQ(thread(), 1); CHECK_EQ(process(), 1));
}

static volatile int go;
static volatile long wanted; // the result under the filter, or 0
static void check_wanted(void) {
    if (wanted == 0) return check();
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(process(), wanted);
        CHECK_EQ(thread(), wanted);
    }
}
static void *beside(void *unused) {
    (void)unused;
    check_wanted();
    if (go == 0) go = 1;
    while (go == 1) sched_yield();
    check_wanted();
    return NULL;
}

static void filtered(unsigned flags) {
    struct sock_filter code[] = {LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 2, 0),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 1, 0), GIVE(SECCOMP_RET_ALLOW),
                                 GIVE(SECCOMP_RET_ERRNO | 77)};
    pthread_t other = start_thread(beside, NULL, 0);
    while (!go) sched_yield();
    // One that the kernel refuses changes nothing.
    CHECK_EQ(install(flags, code, 1), -EINVAL);
    check();
    CHECK_EQ(install(flags, code, LENGTH(code)), 0);
    if (flags) wanted = -77;
    go = 2;
    join_thread(other);
    wanted = -77;
    check_wanted();
    CHILD(check_wanted());
    join_thread(start_thread(beside, NULL, 0));
}

static char *program;
static void *executes(void *unused) {
    (void)unused;
    char before[32];
    snprintf(before, sizeof before, "%ld", process());
    execl(program, program, before, NULL);
    CHECK(!"executed");
    return NULL;
}

int main(int argc, char **argv) {
    program = argv[0];
    check();
    if (argc == 2) {
        CHECK_EQ(process(), atol(argv[1]));
        CHECK_EQ(thread(), process());
        return 0;
    }
    for (int i = 0; i < 20; i++) join_thread(start_thread(in_thread, NULL, 0));
    CHILD(check(); CHILD(check()); check());
    cloned(0);
    cloned(CLONE_VM);
    cloned(CLONE_VM | CLONE_VFORK);
    CHILD(in_namespace());
    CHILD(join_thread(start_thread(executes, NULL, 0)));
    CHILD(filtered(0));
    CHILD(filtered(SECCOMP_FILTER_FLAG_TSYNC));
    PASS();
}
