// Throws out of signal handlers, again and again; the argument says how often.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
extern "C" { // its assembly names are C's
#include "../leftovers.h"
}

namespace {
struct thrown {
    int signal;
};
pid_t self;
volatile char *unreadable;
volatile int zero;
int fds[2];
timer_t timer;
long destroyed;
volatile long hits;
// These are declared to throw nothing.
long (*volatile any_call)(long, ...) = syscall;
int (*volatile send)(pid_t, int) = kill;

// Calls in functions of their own, known to the unwinder at every instruction: behind the last
// one of an asm statement no exception is expected.
extern "C" long blocked_read(long fd, void *to, long count);
extern "C" char blocked_read_end[];
extern "C" long tgkill_here(long pid, long tid, long sig);
__asm__(".text\n"
        ".type blocked_read,@function\n"
        "blocked_read:\n"
        "  .cfi_startproc\n"
        "  xor %eax, %eax\n"
        "  mov $0, %eax\n"
        "  syscall\n"
        "  ret\n"
        "  .cfi_endproc\n"
        "blocked_read_end:\n"
        ".size blocked_read, .-blocked_read\n"
        ".type tgkill_here,@function\n"
        "tgkill_here:\n"
        "  .cfi_startproc\n"
        "  mov $234, %eax\n"
        "  syscall\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size tgkill_here, .-tgkill_here\n");

struct guard {
    ~guard() { destroyed++; }
};

void raise_it(int sig) {
    raw0(SYS_getpid);
    throw thrown{sig};
}
void raise_there(int sig, siginfo_t *, void *context) {
    auto pc = (char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (pc >= (char *)blocked_read && pc < blocked_read_end) {
        hits++;
        throw thrown{sig};
    }
    struct itimerspec again = {{0, 0}, {0, 20000}};
    CHECK_EQ(timer_settime(timer, 0, &again, nullptr), 0);
}

NOINLINE void act(long kind) {
    guard here;
    char byte;
    sigset_t usr1, none;
    sigemptyset(&usr1);
    sigemptyset(&none);
    sigaddset(&usr1, SIGUSR1);
    struct itimerspec once = {{0, 0}, {0, 20000}};
    switch (kind) {
    case 0: *unreadable = 1; break;
    case 1: zero = 1 / zero; break;
    case 2: tgkill_here(self, self, SIGUSR1); break;
    case 3: rawreg(SYS_tgkill, self, self, SIGUSR2, 0, 0, 0); break; // SA_ONSTACK
    case 4: any_call(SYS_tgkill, self, self, SIGUSR1); break;
    case 5: send(self, SIGUSR2); break;
    case 6:
        sigprocmask(SIG_BLOCK, &usr1, nullptr);
        raw3(SYS_tgkill, self, self, SIGUSR1);
        sigsuspend(&none);
        break;
    case 7:
        timer_settime(timer, 0, &once, nullptr);
        blocked_read(fds[0], &byte, 1);
        break;
    }
    CHECK(!"the signal came");
}
} // namespace

int main(int argc, char **argv) {
    static char altstack[65536];
    stack_t stack = {};
    stack.ss_sp = altstack, stack.ss_size = sizeof altstack;
    CHECK_EQ(sigaltstack(&stack, nullptr), 0);
    CHECK_EQ(argc, 2);
    long rounds = atol(argv[1]);
    self = getpid();
    static const int caught[] = {SIGSEGV, SIGFPE, SIGUSR1, SIGUSR2};
    for (int sig : caught) {
        struct sigaction action = {};
        action.sa_handler = raise_it;
        action.sa_flags = SA_NODEFER | (sig == SIGUSR2 ? SA_ONSTACK : 0);
        CHECK_EQ(sigaction(sig, &action, nullptr), 0);
    }
    struct sigaction action = {};
    action.sa_sigaction = raise_there;
    action.sa_flags = SA_NODEFER | SA_RESTART | SA_SIGINFO;
    CHECK_EQ(sigaction(SIGALRM, &action, nullptr), 0);
    struct sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL, event.sigev_signo = SIGALRM;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    unreadable = (char *)mmap(nullptr, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ(pipe(fds), 0);
    sigset_t before, after;
    sigemptyset(&before);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &before, nullptr), 0);
    static const int signals[] = {SIGSEGV, SIGFPE, SIGUSR1, SIGUSR2, SIGUSR1, SIGUSR2, SIGUSR1, SIGALRM};
    for (long round = 0; round < rounds; round++) {
        int got = 0;
        try {
            act(round % 8);
        } catch (const thrown &it) {
            got = it.signal;
        }
        CHECK_EQ(got, signals[round % 8]);
        CHECK_EQ(destroyed, round + 1);
        // The wait's handler has run under the wait's mask, which the jump has kept.
        CHECK_EQ(sigprocmask(SIG_SETMASK, &before, &after), 0);
        CHECK(!memcmp(&before, &after, 8));
        round_is_over(round, rounds);
    }
    CHECK_EQ(hits, rounds / 8);
    PASS();
}
