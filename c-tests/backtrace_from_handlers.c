// Shows that unwinders come from a signal handler through its frame to the interrupted functions, as natively:
// glibc's backtrace() and libgcc's _Unwind_Backtrace, with the registers that the frame has, from calls that wait,
// from calls that have just been made, from application code and from a fault, on the stack and on an alternate one.
// static: yes
#include "check.h"
#include <execinfo.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unwind.h>

static volatile sig_atomic_t arrived;
static volatile int somewhere;

struct function {
    const char *name;
    const char *start, *end;
};
// Each in a section of its own, whose ends the linker names.
#define FUNCTION(name, parameters)                                    \
    extern const char __start_of_##name[], __stop_of_##name[];        \
    __attribute__((noinline, noclone, section("of_" #name))) static void name parameters

static void report(const char *what);

FUNCTION(handler, (int signal, siginfo_t *info, void *context)) {
    (void)info;
    if (signal == SIGALRM && arrived) return;
    arrived = signal;
    report(signal == SIGSEGV ? "fault" : "signal");
    if (signal == SIGSEGV) ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = (greg_t)&somewhere;
}
FUNCTION(waits, (int how)) {
    // Again and again: the first may come before the wait.
    struct itimerval soon = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    arrived = 0;
    CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    while (!arrived)
        if (how == 0) {
            sigset_t none;
            sigemptyset(&none);
            sigsuspend(&none);
        } else if (how == 1)
            usleep(1000000);
        else
            __asm__ volatile("pause");
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
}
FUNCTION(raises, (void)) {
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(raw2(SYS_kill, raw0(SYS_getpid), SIGUSR1), 0);
}
FUNCTION(faults, (void)) {
    __asm__ volatile("movl $0, (%%rax)" : : "a"(0L) : "memory");
}

#define NAMED(name) {#name, __start_of_##name, __stop_of_##name}
static const struct function functions[] = {NAMED(handler), NAMED(waits), NAMED(raises), NAMED(faults)};

static void say(const void *pc, int exact) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if ((const char *)pc - !exact >= functions[i].start && (const char *)pc - !exact < functions[i].end)
            printf(" %s", functions[i].name);
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *cfa) {
    int exact = 0;
    say((const void *)_Unwind_GetIPInfo(context, &exact), exact);
    // Each frame lies above the last, unless the stack was switched.
    uintptr_t now = _Unwind_GetCFA(context);
    *(uintptr_t *)cfa = now;
    return _URC_NO_REASON;
}

static void report(const char *what) {
    void *pcs[40];
    int count = backtrace(pcs, 40);
    printf("%s, backtrace:", what);
    for (int i = 0; i < count; i++) say(pcs[i], 0);
    printf("\n%s, _Unwind_Backtrace:", what);
    uintptr_t cfa = 0;
    CHECK_EQ(_Unwind_Backtrace(visit, &cfa), _URC_END_OF_STACK);
    printf("\n");
}

int main(void) {
    static char stack[64 << 10];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    for (int flags = 0; flags <= SA_ONSTACK; flags += SA_ONSTACK) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
        CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
        for (int how = 0; how < 3; how++) waits(how);
        for (int i = 0; i < 3; i++) raises();
        faults();
    }
    PASS();
}
