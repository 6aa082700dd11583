// Syscall User Dispatch, as the application sets it: SIGSYS with SYS_USER_DISPATCH at the call, which is not made, while
// the selector says so; calls from the range go through; not inherited by threads and children; a selector that is wrong
// or cannot be read ends the process, as does SIGSYS that cannot be taken.
// static: yes
// also: sud vetted
#include "threads.h"
#include <sys/prctl.h>
#include <ucontext.h>

enum { SET = 59, ON = 1, INCLUSIVE = 2 };
static volatile char selector;
static volatile int dispatched;

// Made by its own instruction: libc's prctl would be dispatched.
static long set(long mode, long start, long len, const volatile char *byte) {
    return raw5(SYS_prctl, SET, mode, start, len, byte);
}

static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    char was = selector;
    selector = 0;
    CHECK_EQ(sig, SIGSYS);
    CHECK_EQ(info->si_code, 2);
    CHECK_EQ(info->si_errno, 0);
    CHECK_EQ(info->si_arch, 0xc000003e);
    CHECK_EQ((long)info->si_call_addr, c->uc_mcontext.gregs[REG_RIP]);
    CHECK_EQ(info->si_syscall, (int)c->uc_mcontext.gregs[REG_RAX]);
    CHECK_EQ(was, 1);
    dispatched++;
    c->uc_mcontext.gregs[REG_RAX] = 4000 + info->si_syscall % 1000;
}

static void *other_thread(void *unused) {
    (void)unused;
    CHECK_EQ(raw0(SYS_getpid), getpid());
    return NULL;
}

static void end_of(const char *what, void (*body)(void)) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        body();
        _exit(3);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    printf("%s: %x\n", what, status & ~0x80);
}

static void wrong(void) { set(ON, 0, 0, &selector), selector = 7, raw0(SYS_getpid); }
static void unreadable(void) { set(ON, 0, 0, (char *)8), raw0(SYS_getpid); }
static void block_sigsys(void) {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGSYS);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    set(ON, 0, 0, &selector), selector = 1, raw0(SYS_getpid);
}
static void ignore_sigsys(void) {
    signal(SIGSYS, SIG_IGN);
    set(ON, 0, 0, &selector), selector = 1, raw0(SYS_getpid);
}
static void no_selector(void) {
    signal(SIGSYS, SIG_DFL);
    set(ON, 0, 0, NULL), raw0(SYS_getpid);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    if (set(0, 0, 0, NULL) != 0) SKIP("no Syscall User Dispatch");
    printf("%ld %ld %ld %ld %ld %ld\n", set(ON, -1, 2, NULL), set(0, 1, 0, NULL), set(9, 0, 0, NULL), set(0, 0, 0, &selector),
           set(ON, 0, 0, (char *)(1ul << 63)), set(ON, 5, 0, NULL));
    long mine = raw0(SYS_getpid);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(set(ON, 0, 0, &selector), 0);
        CHECK_EQ(raw0(SYS_getpid), mine);
        selector = 1;
        CHECK_EQ(raw0(SYS_getppid), 4000 + SYS_getppid);
        CHECK_EQ(selector, 0);
        selector = 1;
        CHECK_EQ(raw1(SYS_close, 1), 4000 + SYS_close);
        selector = 1;
        CHECK_EQ(syscall(1234), 4234);
        CHECK_EQ(dispatched, 3 * i + 3);
        // All code is let through.
        CHECK_EQ(set(ON, 1, -2, &selector), 0);
        selector = 1;
        CHECK_EQ(raw0(SYS_getpid), mine);
        selector = 0;
        CHECK_EQ(set(0, 0, 0, NULL), 0);
        selector = 1;
        CHECK_EQ(raw0(SYS_getpid), mine);
        selector = 0;
    }
    long result = set(INCLUSIVE, 1, 4096, &selector);
    printf("inclusive %ld\n", result);
    if (result == 0) {
        selector = 1;
        CHECK_EQ(raw0(SYS_getpid), mine);
        selector = 0;
    }
    CHECK_EQ(set(ON, 0, 0, &selector), 0);
    for (int i = 0; i < 3; i++) {
        int status;
        join_thread(start_thread(other_thread, NULL, 0));
        pid_t child = fork();
        if (child == 0) {
            selector = 1;
            _exit(raw0(SYS_getpid) == mine);
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(set(0, 0, 0, NULL), 0);
    end_of("wrong selector", wrong);
    end_of("unreadable selector", unreadable);
    end_of("blocked", block_sigsys);
    end_of("ignored", ignore_sigsys);
    end_of("no selector", no_selector);
    PASS();
}
