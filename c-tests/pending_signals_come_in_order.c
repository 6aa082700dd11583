// The order of handlers when several signals pend: faults before others, thread's before process's,
// lower numbers first, values of a real-time signal as queued; the nesting that masks make of it,
// and the contexts that nested handlers see; also with SIGSYS, and with signals that are ignored by default, from the
// moment on that they are caught. Queues that are full say EAGAIN.
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

static volatile int events;
static struct { int sig, value, leaving, mask_of_frame; long from_handler; } event[512];
static void handler(int sig, siginfo_t *info, void *context);
static void handler_begins(void) {}

static void note(int sig, siginfo_t *info, void *context, int leaving) {
    ucontext_t *c = context;
    int mask = 0;
    for (int i = 1; i < 32; i++) mask |= sigismember(&c->uc_sigmask, i) << i;
    event[events].sig = sig;
    event[events].value = info->si_value.sival_int;
    event[events].leaving = leaving;
    event[events].mask_of_frame = mask;
    // Natively a second signal interrupts the first one's handler at its first instruction.
    event[events].from_handler = c->uc_mcontext.gregs[REG_RIP] == (greg_t)handler;
    events++;
}
static void handler(int sig, siginfo_t *info, void *context) {
    handler_begins();
    note(sig, info, context, 0);
    raw0(SYS_getppid);
    syscall(600);
    if (sig == SIGSEGV) {
        // Behind the faulting instruction; rbx has the address.
        ucontext_t *c = context;
        if (info->si_code > 0) c->uc_mcontext.gregs[REG_RIP] = c->uc_mcontext.gregs[REG_RBX];
    }
    note(sig, info, context, 1);
}

static void show(const char *what) {
    for (int i = 0; i < events; i++)
        printf("%s: %s %d value %d mask %x%s\n", what, event[i].leaving ? "end of" : "begin", event[i].sig,
               event[i].sig > 31 ? event[i].value : 0, (unsigned)event[i].mask_of_frame, event[i].from_handler ? " nested" : "");
    events = 0;
}

static void catch(int sig, unsigned flags, const int *also, int count) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = (int)(SA_SIGINFO | flags)};
    for (int i = 0; i < count; i++) sigaddset(&action.sa_mask, also[i]);
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
}

static sigset_t all, none;
static pid_t pid;
static void queue_all(void) {
    // Highest first, the thread's and the process's. No SIGFPE and the like: sent to the process while
    // a hook holds another signal back, it becomes the thread's, which the kernel asks first.
    CHECK_EQ(sigqueue(pid, SIGRTMIN + 1, (union sigval){.sival_int = 1}), 0);
    CHECK_EQ(sigqueue(pid, SIGRTMIN + 1, (union sigval){.sival_int = 2}), 0);
    CHECK_EQ(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, (union sigval){.sival_int = 3}), 0);
    CHECK_EQ(sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 4}), 0);
    CHECK_EQ(pthread_sigqueue(pthread_self(), SIGRTMIN, (union sigval){.sival_int = 5}), 0);
    CHECK_EQ(raw2(SYS_kill, pid, SIGTERM), 0);
    CHECK_EQ(raw3(SYS_tgkill, pid, pid, SIGUSR2), 0);
    CHECK_EQ(raw3(SYS_tgkill, pid, pid, SIGTRAP), 0);
    CHECK_EQ(raw2(SYS_kill, pid, SIGUSR1), 0);
    CHECK_EQ(raw2(SYS_kill, pid, SIGUSR1), 0); // only one of these is kept
    CHECK_EQ(raw2(SYS_kill, pid, SIGHUP), 0);
}

static const int quiet[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
enum { QUIET = sizeof quiet / sizeof *quiet };
static void queue_quiet(int sigsys) {
    CHECK_EQ(raw2(SYS_kill, pid, SIGTERM), 0);
    for (int i = 0; i < QUIET; i++) CHECK_EQ(raw2(SYS_kill, pid, quiet[i]), 0);
    CHECK_EQ(raw2(SYS_kill, pid, SIGIO), 0);
    CHECK_EQ(raw2(SYS_kill, pid, SIGUSR1), 0);
    // A SIGSYS of the process's alone comes before all of the thread's (docs/limits.md).
    if (sigsys != 1) CHECK_EQ(raw3(SYS_tgkill, pid, pid, SIGURG), 0);
    if (sigsys & 1) CHECK_EQ(raw2(SYS_kill, pid, SIGSYS), 0);
    if (sigsys & 2) CHECK_EQ(raw3(SYS_tgkill, pid, pid, SIGSYS), 0);
    if (sigsys & 2) CHECK_EQ(raw3(SYS_tgkill, pid, pid, SIGUSR2), 0);
    if (sigsys & 2) CHECK_EQ(raw3(SYS_tgkill, pid, pid, SIGILL), 0);
}

static void let_in(int way) {
    switch (way) {
    case 0: CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0); break;
    case 1: CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_UNBLOCK, &all, NULL, 8), 0); break;
    case 2: CHECK_EQ(raw2(SYS_rt_sigsuspend, &none, 8), -EINTR); break;
    case 3: CHECK_EQ(raw5(SYS_ppoll, NULL, 0, NULL, &none, 8), -EINTR); break;
    }
    CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0);
}

int main(void) {
    static const int caught[] = {SIGHUP, SIGFPE, SIGUSR1, SIGUSR2, SIGTERM, SIGTRAP, SIGSEGV};
    enum { CAUGHT = sizeof caught / sizeof *caught };
    pid = getpid();
    sigemptyset(&none);
    sigfillset(&all);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0);
    char *unreadable = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int turn = 0; turn < 3; turn++)
        for (int masks = 0; masks < 3; masks++) { // no mask: they nest; SA_NODEFER; each masks all
            for (int i = 0; i < CAUGHT; i++) catch(caught[i], masks == 1 ? SA_NODEFER : 0, caught, masks == 2 ? CAUGHT : 0);
            for (int i = 0; i < 2; i++) catch(SIGRTMIN + i, masks == 1 ? SA_NODEFER : 0, caught, masks == 2 ? CAUGHT : 0);
            for (int way = 0; way < 4; way++) {
                CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
                queue_all();
                CHECK_EQ(events, 0);
                let_in(way);
                show("pending");
            }
        }
    // Caught one after the other, or all, and not at last.
    for (int i = 0; i < CAUGHT; i++) catch(caught[i], 0, NULL, 0);
    catch(SIGIO, 0, NULL, 0);
    catch(SIGSYS, 0, NULL, 0);
    catch(SIGILL, 0, NULL, 0);
    for (int catches = 0; catches <= QUIET + 1; catches++) {
        for (int i = 0; i < QUIET; i++)
            if (i < catches && catches <= QUIET) catch(quiet[i], i & 1 ? SA_RESETHAND : 0, NULL, 0);
            else signal(quiet[i], i & 1 ? SIG_IGN : SIG_DFL);
        for (int way = 0; way < 4; way++)
            for (int sigsys = 0; sigsys < 4; sigsys++) {
                CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
                queue_quiet(sigsys);
                let_in(way);
                show("quiet");
            }
    }
    // In a child of vfork, whose parent does not catch them, and the other way round.
    for (int turn = 0; turn < 2; turn++) {
        int status;
        for (int i = 0; i < QUIET; i++)
            if (turn) catch(quiet[i], 0, NULL, 0);
            else signal(quiet[i], SIG_DFL);
        pid_t child = vfork();
        if (child == 0) {
            pid = getpid();
            for (int i = 0; i < QUIET; i++)
                if (!turn) catch(quiet[i], 0, NULL, 0);
                else signal(quiet[i], SIG_DFL);
            sigprocmask(SIG_SETMASK, &all, NULL);
            queue_quiet(0);
            let_in(0);
            show("vfork");
            _exit(0);
        }
        pid = getpid();
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
        events = 0;
        queue_quiet(0);
        let_in(1);
        show("parent");
    }
    // A fault while others pend which its handler's mask lets in.
    for (int i = 0; i < CAUGHT; i++) catch(caught[i], 0, NULL, 0);
    for (int turn = 0; turn < 3; turn++) {
        sigset_t most = all;
        sigdelset(&most, SIGSEGV);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &most, NULL), 0);
        CHECK_EQ(raw2(SYS_kill, pid, SIGUSR1), 0);
        __asm__ volatile("lea 1f(%%rip), %%rbx\n\tmovb $1, (%0)\n1:" ::"r"(unreadable) : "rbx", "memory");
        show("fault");
        CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0);
        show("then");
    }
    // Full queues: real-time signals are refused, or come without a value when kill sends them.
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
    limit.rlim_cur = 0;
    CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
    for (int turn = 0; turn < 3; turn++) {
        CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
        CHECK_ERR(sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 6}), EAGAIN);
        CHECK_EQ(raw2(SYS_kill, pid, SIGRTMIN), 0);
        CHECK_EQ(raw2(SYS_kill, pid, SIGUSR1), 0);
        CHECK_EQ(sigqueue(pid, SIGUSR2, (union sigval){.sival_int = 7}), 0);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0);
        show("full");
    }
    PASS();
}
