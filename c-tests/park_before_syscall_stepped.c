// Shows that a thread which a debugger stepped to between `mov` and `syscall` makes the
// right call after another thread had the site rewritten under it.
#include "code.h"
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/user.h>

enum { SITES = 24 };

struct shared {
    _Atomic int go[SITES], others[SITES], done[SITES], tid, failed;
};
static struct shared *shared;
static unsigned char *text;

static unsigned char *site_of(int i) { return text + (size_t)i * PAGE + 512 + (size_t)i * 5; }

// The thread that is stepped; it makes no other call than those at the sites.
static void *parked(void *arg) {
    (void)arg;
    long me = raw0(SYS_gettid);
    atomic_store(&shared->tid, (int)me);
    for (int i = 0; i < SITES; i++) {
        while (!atomic_load(&shared->go[i])) __builtin_ia32_pause();
        struct regs in, out;
        pattern_regs(&in, (uint64_t)i);
        call_with(site_of(i), &in, &out);
        check_regs(&in, &out, site_of(i) + 7);
        CHECK_EQ(out.rax, me);
        atomic_store(&shared->done[i], 1);
    }
    return NULL;
}

// The process under the debugger: a second thread calls each site while the first is parked.
static void tracee(void) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, parked, NULL), 0);
    for (int i = 0; i < SITES; i++) {
        wait_for(&shared->others[i], 1);
        for (int n = 0; n < 5; n++) CHECK_EQ(CALL(site_of(i)), raw0(SYS_gettid));
        CHECK_SITE(site_of(i), SYS_gettid);
        atomic_store(&shared->others[i], 2);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

// Steps or continues with `request`; passes signals other than traps on; true at a stop for us.
static void resume(int request, pid_t tid, int signal, int *next) {
    int status;
    CHECK_EQ(ptrace(request, tid, NULL, (long)signal), 0);
    CHECK_EQ(waitpid(tid, &status, __WALL), tid);
    CHECK(WIFSTOPPED(status));
    int got = WSTOPSIG(status);
    *next = got == SIGTRAP || got == SIGSTOP ? 0 : got;
}

int main(void) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    unsigned char bytes[SITES * PAGE];
    fill_code(bytes, sizeof bytes);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + (size_t)i * PAGE + 512 + (size_t)i * 5, SYS_gettid);
    text = map_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE);

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        tracee();
        _exit(0);
    }
    while (!atomic_load(&shared->tid)) sched_yield();
    pid_t tid = atomic_load(&shared->tid);
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) {
        CHECK_EQ(kill(child, SIGKILL), 0);
        SKIP("ptrace is not allowed");
    }
    int signal = 0;
    for (int i = 0; i < SITES; i++) {
        int status;
        CHECK_EQ(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
        do {
            CHECK_EQ(waitpid(tid, &status, __WALL), tid);
            CHECK(WIFSTOPPED(status));
            if (status >> 16 == 128) break; // PTRACE_EVENT_STOP
            CHECK_EQ(ptrace(PTRACE_CONT, tid, NULL, (long)WSTOPSIG(status)), 0);
        } while (1);
        atomic_store(&shared->go[i], 1);
        // Even sites: parked between the two instructions; odd ones: before the first.
        uintptr_t stop = (uintptr_t)site_of(i) + (i % 2 ? 0 : 5);
        struct user_regs_struct regs;
        int steps = 0;
        do {
            resume(PTRACE_SINGLESTEP, tid, signal, &signal);
            CHECK_EQ(ptrace(PTRACE_GETREGS, tid, NULL, &regs), 0);
            CHECK(++steps < 200000);
        } while (regs.rip != stop);
        atomic_store(&shared->others[i], 1);
        while (atomic_load(&shared->others[i]) != 2) sched_yield();
        CHECK_EQ(ptrace(PTRACE_GETREGS, tid, NULL, &regs), 0);
        CHECK_EQ(regs.rip, stop);
        regs.eflags &= ~0x100ull; // the kernel forgets that it set TF itself when it steps over a `popf`
        CHECK_EQ(ptrace(PTRACE_SETREGS, tid, NULL, &regs), 0);
        // On it goes; whatever signals the library makes of it are its own.
        CHECK_EQ(ptrace(PTRACE_CONT, tid, NULL, (long)signal), 0);
        while (!atomic_load(&shared->done[i])) {
            pid_t stopped = waitpid(tid, &status, __WALL | WNOHANG);
            CHECK(stopped >= 0);
            if (stopped == tid) {
                if (WIFEXITED(status)) break; // it was the last site
                CHECK(WIFSTOPPED(status));
                CHECK_EQ(ptrace(PTRACE_CONT, tid, NULL, (long)WSTOPSIG(status)), 0);
            }
            sched_yield();
        }
        CHECK_EQ(atomic_load(&shared->done[i]), 1);
        signal = 0;
    }
    // The thread's end is reported to us, then the process's.
    int status;
    while (waitpid(child, &status, __WALL | WNOHANG) != child) {
        pid_t stopped = waitpid(tid, &status, __WALL | WNOHANG);
        if (stopped == tid && WIFSTOPPED(status)) CHECK_EQ(ptrace(PTRACE_CONT, tid, NULL, (long)WSTOPSIG(status)), 0);
        sched_yield();
    }
    CHECK_EQ(status, 0);
    PASS();
}
