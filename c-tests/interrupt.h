// A call interrupted at each of its instructions. A tracer steps a victim through the call; at every
// stop it lets the victim make a copy of itself, gives the copy a signal and lets it go: the copy's
// handler checks the whole context and makes calls of its own, then it returns or jumps away, and
// the copy checks what became of the call. The victim itself is never disturbed, so that the path is
// the plain one to its end.
#ifndef INTERRUPT_H
#define INTERRUPT_H
#include "machine.h"
#include <sched.h>
#include <setjmp.h>
#include <sys/ptrace.h>
#include <sys/user.h>

// The instructions of a call: `go` (absent if it is `call`), the syscall at `call`, and `after`.
struct site {
    const char *go, *call, *after;
};
#define SITE(name, ...)                                                                  \
    extern const char name##_go[], name##_call[], name##_after[];                        \
    static const struct site name = {name##_go, name##_call, name##_after};              \
    __asm__(".text\n.p2align 6\n.type " #name "_code,@function\n" #name "_code:\n .cfi_startproc\n nop\n" \
            #name "_go:\n" __VA_ARGS__ "\n" #name "_call:\n syscall\n" #name "_after:\n jmp machine_done\n" \
            ".cfi_endproc\n.size " #name "_code,.-" #name "_code\n")

static const uint64_t PATTERN = 0x7061747465726e21;
struct kind {
    const char *name;
    struct site site;
    long number;         // what rax is at the syscall
    long rax;            // what it is before `go`
    long want;           // the result
    uint64_t args[6];    // of which those count that are not PATTERN
    void (*before)(void); // sets up what the call changes
    // In the handler and at the end: checks that the call has been made, or has not.
    void (*look)(const ucontext_t *c, int made);
    int cold;             // it is the first call of its site
};

// What the handler does at its end.
enum action { RETURN, JUMP, SET_CONTEXT, EDIT, ACTIONS };

static const struct kind *kind;
static volatile long copy; // not 0: this is a copy, interrupted at that instruction
static volatile int handled, nested, made, jumped;
static const uint64_t seed = 4711;
static const uint64_t value = 0x5ca1ab1edeadbe00;
static int the_signal = SIGUSR1, on_stack;
static enum action the_action;
static sigset_t before_call;
static stack_t alternate;
static sigjmp_buf escape;
static ucontext_t escape_context;

uint64_t handler_flags, handler_xmm[4]; // written by assembly
void interrupt_handler(int, siginfo_t *, void *);
// The kernel leaves AC as it is: this notes the state in which a handler starts, and clears it.
__asm__(".text\n.type interrupt_handler,@function\n"
        "interrupt_handler:\n .cfi_startproc\n"
        " pushfq; popq handler_flags(%rip)\n"
        " movups %xmm0,handler_xmm(%rip); movups %xmm15,handler_xmm+16(%rip)\n"
        " pushfq; andl $~0x40000,(%rsp); popfq\n"
        " jmp interrupt_handler_body\n"
        " .cfi_endproc\n.size interrupt_handler,.-interrupt_handler\n");

static void nested_handler(int sig) {
    CHECK_EQ(sig, SIGUSR2);
    raw0(SYS_getpid);
    nested++;
}

// Changes all that a handler may change.
static NOINLINE void dirty(void) {
    uint32_t mxcsr = 0x1fbf;
    if (machine_level == 2) __asm__ volatile(".irp n,0,3,15,16,31\n vpternlogd $255,%%zmm\\n,%%zmm\\n,%%zmm\\n\n .endr\n kxnorw %%k1,%%k1,%%k1\n vzeroupper" ::: "xmm0", "xmm3", "xmm15");
    else if (machine_level == 1) __asm__ volatile(".irp n,0,3,15\n vcmpps $15,%%ymm\\n,%%ymm\\n,%%ymm\\n\n .endr\n vzeroupper" ::: "xmm0", "xmm3", "xmm15");
    __asm__ volatile("pcmpeqd %%xmm0,%%xmm0\n pcmpeqd %%xmm15,%%xmm15\n fldl2e\n fstp %%st(0)\n ldmxcsr %0" ::"m"(mxcsr) : "xmm0", "xmm15");
    mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
}

// Calls of many kinds, and a signal in between.
static NOINLINE void own_calls(void) {
    CHECK_EQ(getpid(), raw0(SYS_getpid));
    CHECK_EQ(syscall(600), -1);
    CHECK_EQ(raw3(SYS_write, -1, "x", 1), -EBADF);
    sigset_t usr2, were;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &usr2, &were), 0);
    int before = nested;
    CHECK_EQ(raw3(SYS_tgkill, getpid(), gettid(), SIGUSR2), 0);
    CHECK_EQ(nested, before);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &usr2, NULL), 0);
    CHECK_EQ(nested, before + 1);
    dirty();
}

__attribute__((used)) void interrupt_handler_body(int sig, siginfo_t *info, void *context) {
    uint32_t mxcsr;
    uint16_t cw;
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(cw));
    ucontext_t *c = context;
    const char *rip = (const char *)c->uc_mcontext.gregs[REG_RIP];
    handled++;
    CHECK_EQ(handled, 1);
    CHECK_EQ(sig, the_signal);
    CHECK_EQ(info->si_signo, the_signal);
    CHECK_EQ(info->si_code, SI_QUEUE);
    the_action = (uint64_t)info->si_value.sival_ptr & 0xff;
    CHECK_EQ((uint64_t)info->si_value.sival_ptr & ~0xffull, value);
    CHECK_EQ(mxcsr, 0x1f80);
    CHECK_EQ(cw, 0x37f);
    for (int i = 0; i < 4; i++) CHECK_EQ(handler_xmm[i], 0);
    CHECK_EQ(handler_flags & (AC | DF | TF), machine_in.flags & AC);
    // Where the call stands.
    int behind = rip == kind->site.after;
    if (!behind && rip != kind->site.go && rip != kind->site.call && rip != machine_start) {
        dprintf(2, "rip %p, site %p\n", rip, kind->site.call);
        CHECK(!"rip is at the site or behind it");
    }
    made = behind;
    check_frame_vectors(c);
    check_frame_registers(c, behind, behind ? kind->want : rip == kind->site.call ? kind->number : kind->rax);
    check_machine_stack(seed);
    // The mask, and the alternate stack, are of that moment.
    if (kind->look) kind->look(c, made);
    else {
        CHECK(!memcmp(&c->uc_sigmask, &before_call, 8));
        CHECK_EQ(c->uc_stack.ss_sp, alternate.ss_sp);
        CHECK_EQ(c->uc_stack.ss_size, alternate.ss_size);
        CHECK_EQ(c->uc_stack.ss_flags, alternate.ss_flags);
    }
    sigset_t now, wanted;
    memcpy(&wanted, &c->uc_sigmask, 8);
    sigaddset(&wanted, the_signal);
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    CHECK(!memcmp(&now, &wanted, 8));
    own_calls();
    switch (the_action) {
    case RETURN: return;
    case JUMP: jumped = 1; siglongjmp(escape, 1);
    case SET_CONTEXT: jumped = 1; setcontext(&escape_context); CHECK(!"setcontext returns");
    case EDIT: // the handler ends the call itself
        c->uc_mcontext.gregs[REG_RIP] = (greg_t)kind->site.after;
        c->uc_mcontext.gregs[REG_RCX] = (greg_t)kind->site.after;
        c->uc_mcontext.gregs[REG_R11] = (greg_t)machine_in.flags;
        c->uc_mcontext.gregs[REG_RAX] = kind->want;
        return;
    default: CHECK(!"the siginfo says what to do");
    }
}


// The end of a copy: the signal came once, and nothing is left behind.
__attribute__((noreturn)) static void end_copy(void) {
    sigset_t now;
    CHECK_EQ(handled, 1);
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    CHECK_EQ(sigismember(&now, the_signal), 0);
    CHECK_EQ(sigpending(&now), 0);
    for (int sig = 1; sig < 32; sig++) CHECK_EQ(sigismember(&now, sig), 0);
    own_calls();
    CHECK_EQ(handled, 1);
    raw1(SYS_exit_group, 0);
    abort();
}

// The process that makes the call; its copies end here as well.
__attribute__((noreturn)) static void victim(const struct kind *k, uint64_t flags) {
    kind = k;
    struct sigaction action = {.sa_handler = nested_handler};
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    action.sa_sigaction = interrupt_handler;
    action.sa_flags = SA_SIGINFO | (on_stack ? SA_ONSTACK : 0);
    CHECK_EQ(sigaction(the_signal, &action, NULL), 0);
    static char stack[128 << 10];
    alternate = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGWINCH);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &some, NULL), 0);
    before_call = some;
    CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
    machine_target = k->site.go;
    own_calls(), nested = 0;
    for (int warm = k->cold ? 0 : 3; warm >= 0; warm--) {
        if (k->before) k->before();
        machine_patterns(seed, flags);
        for (int i = 0; i < 6; i++) {
            static const int at[6] = {RDI, RSI, RDX, R10, R8, R9};
            if (k->args[i] != PATTERN) machine_in.gpr[at[i]] = k->args[i];
        }
        machine_in.gpr[RAX] = (uint64_t)k->rax;
        machine_first = warm ? machine_target : machine_break;
        CHECK_EQ(getcontext(&escape_context), 0);
        if (!jumped && sigsetjmp(escape, 1) == 0) {
            machine_call();
            int edited = copy && the_action == EDIT;
            CHECK_EQ(machine_out.gpr[RAX], k->want);
            check_machine(k->site.after);
            check_machine_stack(seed);
            if (k->look) k->look(NULL, edited ? made : 1);
        } else {
            CHECK(copy);
            check_machine_stack(seed);
            if (k->look) k->look(NULL, made);
        }
        if (copy) end_copy();
        CHECK_EQ(handled, 0);
    }
    raw1(SYS_exit_group, 0);
    abort();
}

enum { LONGEST = 1 << 20 };
struct path {
    int length;
    uint64_t rip[LONGEST];
};

static uint64_t gate; // a syscall instruction that is let through

static int wait_for_stop(pid_t pid, struct user_regs_struct *regs) {
    int status;
    CHECK_EQ(waitpid(pid, &status, __WALL), pid);
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "%s: the victim ended with status %#x\n", kind->name, status);
        exit(1);
    }
    CHECK_EQ(ptrace(PTRACE_GETREGS, pid, NULL, regs), 0);
    regs->eflags &= ~(unsigned long long)TF; // over a `popf` the kernel forgets whose it is
    return WSTOPSIG(status);
}

// Steps over one instruction, or to the first one of a handler of this signal.
static int step(pid_t pid, int signal, struct user_regs_struct *regs) {
    CHECK_EQ(ptrace(PTRACE_SINGLESTEP, pid, NULL, (long)signal), 0);
    int got = wait_for_stop(pid, regs);
    return got == SIGTRAP ? 0 : got;
}

// The copies on their way, and what was asked of them.
struct flight {
    pid_t pid;
    int number;
    enum action action;
    uint64_t rip, flags;
};
enum { FLIGHTS = 2 };
static struct flight flights[FLIGHTS];

static void land(struct flight *f) {
    int status;
    if (f->pid == 0) return;
    CHECK_EQ(waitpid(f->pid, &status, __WALL), f->pid);
    f->pid = 0;
    if (status == 0) return;
    fprintf(stderr, "%s, flags %#lx: interrupted at instruction %d, rip %#lx, action %d: status %#x\n", kind->name,
            f->flags, f->number, f->rip, f->action, status);
    exit(1);
}

// Makes a copy of the stopped process and sends it on with the signal.
static void launch(pid_t pid, const struct user_regs_struct *regs, struct flight flight) {
    static int next;
    struct flight *f = &flights[next++ % FLIGHTS];
    land(f);
    struct user_regs_struct cloning = *regs, behind;
    cloning.rip = gate;
    cloning.rax = SYS_clone;
    cloning.orig_rax = -1;
    cloning.rdi = CLONE_PTRACE | CLONE_PARENT | SIGCHLD;
    cloning.rsi = cloning.rdx = cloning.r10 = cloning.r8 = 0;
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, &cloning), 0);
    CHECK_EQ(step(pid, 0, &behind), 0);
    CHECK((long)behind.rax > 0);
    flight.pid = (pid_t)behind.rax;
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, regs), 0);
    CHECK_EQ(wait_for_stop(flight.pid, &behind), SIGSTOP);
    CHECK_EQ(ptrace(PTRACE_SETREGS, flight.pid, NULL, regs), 0);
    CHECK_EQ(ptrace(PTRACE_POKEDATA, flight.pid, &copy, (long)flight.number), 0);
    siginfo_t info = {.si_signo = the_signal, .si_code = SI_QUEUE};
    info.si_value.sival_ptr = (void *)(value | flight.action);
    CHECK_EQ(ptrace(PTRACE_SETSIGINFO, flight.pid, NULL, &info), 0);
    CHECK_EQ(ptrace(PTRACE_DETACH, flight.pid, NULL, (long)the_signal), 0);
    *f = flight;
}

// The trap flag by which we step shows in what these two instructions leave; nobody steps the copies.
static void hide_trap_flag(pid_t pid, struct user_regs_struct *regs, long code) {
    if ((code & 0xff) == 0x9c) { // pushfq
        errno = 0;
        long pushed = ptrace(PTRACE_PEEKDATA, pid, (void *)regs->rsp, NULL);
        CHECK_EQ(errno, 0);
        CHECK_EQ(ptrace(PTRACE_POKEDATA, pid, (void *)regs->rsp, pushed & ~TF), 0);
    } else if ((code & 0xffff) == 0x050f) {
        regs->r11 &= ~(unsigned long long)TF;
        CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, regs), 0);
    }
}

// Steps a victim through the call; with `actions`, a bit set, interrupts a copy at each instruction.
static void follow(const struct kind *k, uint64_t flags, unsigned actions, struct path *path) {
    path->length = 0;
    struct user_regs_struct regs;
    kind = k;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) victim(k, flags);
    int signal;
    while ((signal = wait_for_stop(pid, &regs)) != SIGTRAP || regs.rip != (uintptr_t)machine_start)
        CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, (long)signal), 0);
    CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
    signal = 0;
    for (;;) {
        if (signal == 0) {
            CHECK(path->length < LONGEST);
            path->rip[path->length++] = regs.rip;
            for (int action = 0; action < ACTIONS; action++)
                if (actions >> action & 1)
                    launch(pid, &regs, (struct flight){.number = path->length, .action = action, .rip = regs.rip, .flags = flags});
            if (regs.rip == (uintptr_t)k->site.after) break;
        }
        uint64_t from = regs.rip;
        errno = 0;
        long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)from, NULL);
        CHECK_EQ(errno, 0);
        signal = step(pid, signal, &regs);
        if ((word & 0xffff) == 0x050f && signal == 0) gate = from;
        if (regs.rip > from) hide_trap_flag(pid, &regs, word);
    }
    for (int i = 0; i < FLIGHTS; i++) land(&flights[i]);
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
    CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
    int status;
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
        CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, (long)WSTOPSIG(status) == SIGTRAP ? 0L : (long)WSTOPSIG(status)), 0);
    CHECK_EQ(status, 0);
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// All of it: no instruction that a plain call executes is left out.
static MAYBE_UNUSED void interrupt_everywhere(const struct kind *k, uint64_t flags, unsigned actions) {
    static struct path plain, full;
    if (!gate) follow(k, flags, 0, &plain); // our own sites get their trampolines
    follow(k, flags, 0, &plain);
    follow(k, flags, actions, &full);
    int length = full.length, distinct = 0;
    qsort(full.rip, (size_t)length, 8, by_value);
    for (int i = 0; i < length; i++) distinct += i == 0 || full.rip[i] != full.rip[i - 1];
    for (int i = 0; i < plain.length; i++)
        if (!bsearch(&plain.rip[i], full.rip, (size_t)length, 8, by_value)) {
            fprintf(stderr, "%s: %#lx, which a plain call executes, was not interrupted\n", k->name, plain.rip[i]);
            exit(1);
        }
    fprintf(stderr, "%s, flags %#lx: %d instructions (%d places), all interrupted\n", k->name, flags, length, distinct);
}
#endif
