// modes: native trap rewrite fallback stat
// static: yes
// A thread that has set GS finds it as it was behind calls of every kind, whose registers and flags
// are right as ever: made by the kernel, answered, blocked, interrupted, of unknown number; in
// handlers, behind them, and where a handler jumps to.
// also: sud vetted
#include "gs.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/time.h>

static struct gs_block block;
static volatile int handled;
static int pipe_fds[2];
static sigjmp_buf back;

static void handler(int sig) {
    (void)sig;
    CHECK_GS(&block);
    handled++;
}

static void jumper(int sig) {
    CHECK_GS(&block);
    siglongjmp(back, sig);
}

static void handle(int sig, void (*function)(int), int flags) {
    struct sigaction action = {.sa_handler = function, .sa_flags = flags};
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
}

static void calls_with_registers(void) {
    unsigned char text[4096];
    fill_code(text, sizeof text);
    put_call(text, text + 1024, SYS_getpid);
    put_call(text, text + 256, 600);
    put_call(text, text + 512, SYS_sigaltstack);
    unsigned char *code = map_code(text, sizeof text, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct regs in, out;
        pattern_regs(&in, seed);
        call_with(code + 1024, &in, &out);
        CHECK_EQ(out.rax, getpid());
        check_regs(&in, &out, code + 1024 + 7);
        call_with(code + 256, &in, &out);
        CHECK_EQ(out.rax, -ENOSYS);
        check_regs(&in, &out, code + 256 + 7);
        in.rdi = in.rsi = 0;
        in.rflags |= 0x400; // DF
        call_with(code + 512, &in, &out);
        CHECK_EQ(out.rax, 0);
        check_regs(&in, &out, code + 512 + 7);
        CHECK(gs_is(&block));
    }
    CHECK_EQ(munmap(code, sizeof text), 0);
}

static void blocked_calls(void) {
    char byte;
    CHECK_EQ(pipe(pipe_fds), 0);
    for (int restart = 0; restart < 2; restart++) {
        handle(SIGALRM, handler, restart ? SA_RESTART : 0);
        handled = 0;
        struct itimerval soon = {{0, 0}, {0, 20000}};
        int status;
        IN_CHILD(status, {
            CHECK_GS(&block);
            CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
            pid_t parent = getpid();
            if (restart && fork() == 0) {
                CHECK_GS(&block);
                usleep(60000);
                CHECK_EQ(write(pipe_fds[1], "x", 1), 1);
                CHECK_EQ(kill(parent, 0), 0);
                _exit(0);
            }
            CHECK_EQ(raw3(SYS_read, pipe_fds[0], &byte, 1), restart ? 1 : -EINTR);
            CHECK_EQ(handled, 1);
            CHECK_GS(&block);
        });
        CHECK_EQ(status, 0);
    }
    // A wait with a mask of its own, and one that the kernel restarts by restart_syscall.
    sigset_t alarm_only, none;
    sigemptyset(&none);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &alarm_only, NULL), 0);
    handled = 0;
    CHECK_EQ(kill(getpid(), SIGALRM), 0);
    CHECK_EQ(handled, 0);
    CHECK_ERR(ppoll(NULL, 0, NULL, &none), EINTR);
    CHECK_EQ(handled, 1);
    CHECK_GS(&block);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &alarm_only, NULL), 0);
    pid_t stopped = fork();
    if (stopped == 0) {
        struct timespec time = {0, 100000000};
        CHECK_EQ(nanosleep(&time, NULL), 0);
        CHECK_GS(&block);
        _exit(0);
    }
    int status;
    usleep(20000);
    CHECK_EQ(kill(stopped, SIGSTOP), 0);
    CHECK_EQ(waitpid(stopped, &status, WUNTRACED), stopped);
    CHECK_EQ(kill(stopped, SIGCONT), 0);
    CHECK_EQ(waitpid(stopped, &status, 0), stopped);
    CHECK_EQ(status, 0);
}

static void handlers(void) {
    static char altstack[65536];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    for (int i = 0; i < 200; i++) {
        handle(SIGUSR1, handler, i & 1 ? SA_ONSTACK : 0);
        handled = 0;
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(handled, 1);
        CHECK_GS(&block);
        handle(SIGUSR2, jumper, i & 1 ? SA_ONSTACK : 0);
        if (!sigsetjmp(back, 1)) {
            raise(SIGUSR2);
            CHECK(!"jumped");
        }
        CHECK_GS(&block);
    }
    stack = (stack_t){.ss_flags = SS_DISABLE};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

int main(void) {
    // Some sites are rewritten already.
    for (int i = 0; i < 100; i++) CHECK_EQ(rawreg(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid());
    CHECK_EQ(gs_base(), 0);
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_SET_GS, 0), 0);
    CHECK_EQ(gs_base(), 0);
    // Beyond what the kernel takes; and where it cannot write.
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_SET_GS, -1), -EPERM);
    CHECK_EQ(gs_base(), 0);
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_GET_GS, 8), -EFAULT);
    gs_set(&block, 0x1234);
    CHECK_GS(&block);
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_GET_GS, 8), -EFAULT);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(rawreg(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid());
        CHECK_EQ(syscall(SYS_getpid), raw0(SYS_getpid));
        CHECK(gs_is(&block));
    }
    calls_with_registers();
    handlers();
    blocked_calls();
    struct gs_block another;
    gs_set(&another, 0x5678);
    CHECK_GS(&another);
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_SET_GS, 0), 0);
    CHECK_EQ(gs_base(), 0);
    if (has_fsgsbase()) CHECK_EQ(gs_read(), 0);
    PASS();
}
