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
#define SITE(name, ...) SITE_TO("machine_done", name, __VA_ARGS__)
#define SITE_TO(next, name, ...)                                                         \
    extern const char name##_go[], name##_call[], name##_after[];                        \
    static const struct site name = {name##_go, name##_call, name##_after};              \
    __asm__(".text\n.p2align 6\n.type " #name "_code,@function\n" #name "_code:\n .cfi_startproc\n nop\n" \
            #name "_go:\n" __VA_ARGS__ "\n" #name "_call:\n syscall\n" #name "_after:\n jmp " next "\n" \
            ".cfi_endproc\n.size " #name "_code,.-" #name "_code\n")

// The same for a call that makes a child, which ends at once unless it is the one that is followed.
#define SITE_OF_CHILD(name, ...) SITE_TO("machine_of_child", name, __VA_ARGS__)
const char *machine_child;
extern const char machine_quit[];
__asm__(".text\n"
        "machine_of_child:\n xchg %rax,%rcx; jrcxz 1f; xchg %rax,%rcx; jmp machine_done\n"
        "1: xchg %rax,%rcx; jmp *machine_child(%rip)\n"
        "machine_quit:\n xor %edi,%edi; mov $60,%eax; syscall\n");

static const uint64_t PATTERN = 0x7061747465726e21;
enum { A_CHILD = 0x1234567 }; // as a result: the number of one
struct kind {
    const char *name;
    struct site site;
    long number;         // what rax is at the syscall
    long rax;            // what it is before `go`
    long want;           // the result
    uint64_t args[6];    // of which those count that are not PATTERN
    long (*wanted)(void); // the result, if it depends on who asks
    void (*before)(void); // sets up what the call changes
    // In the handler and at the end: checks that the call has been made, or has not.
    void (*look)(const ucontext_t *c, int made);
    int cold;             // it is the first call of its site
    int sparse;           // see is_blocked
    int counts;           // this register is one more behind `go`
    int first_signal;     // comes at the instruction `first_at` of the call; its handler starts at `first_handler`,
    int first_at;         // and has to have run before the call is over
    const char *first_handler;
    enum { NO_CHILD, PARENT, CHILD } side; // of a call that makes a child: which one is followed, and interrupted
    // In the handler: true if the context is one of another place that may be interrupted.
    int (*elsewhere)(const ucontext_t *c);
};

// What the handler does at its end.
enum action { RETURN, JUMP, SET_CONTEXT, EDIT, ACTIONS };

static const struct kind *kind;
static volatile long copy; // not 0: this is a copy, interrupted at that instruction
static volatile long has_child; // the copy's original has made its child already
static volatile int handled, nested, made, jumped;
static const uint64_t seed = 4711;
static const uint64_t value = 0x5ca1ab1edeadbe00;
static int the_signal = SIGUSR1, on_stack;
static enum action the_action;
static sigset_t before_call;
static char alternate_memory[128 << 10];
static const stack_t alternate = {.ss_sp = alternate_memory, .ss_size = sizeof alternate_memory};
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
    CHECK_EQ(raw2(SYS_tkill, gettid(), SIGUSR2), 0);
    CHECK_EQ(nested, before);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &usr2, NULL), 0);
    CHECK_EQ(nested, before + 1);
    dirty();
}

// The result that the call must have, where it has that one.
static long wanted(long rax) {
    if (kind->wanted) return kind->wanted();
    int number = kind->want == A_CHILD || (kind->side == CHILD && !copy);
    return number && rax > 0 ? rax : kind->want;
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
    int behind = rip == kind->site.after, at_call = rip == kind->site.call;
    int other = kind->elsewhere && kind->elsewhere(c);
    if (!behind && !at_call && !other && rip != kind->site.go && rip != machine_start) {
        dprintf(2, "rip %p, site %p\n", rip, kind->site.call);
        CHECK(!"rip is at the site or behind it");
    }
    if (!other) {
        made = behind;
        if (kind->counts && (behind || at_call)) machine_in.gpr[kind->counts]++;
        check_frame_vectors(c);
        check_frame_registers(c, behind, behind ? wanted(c->uc_mcontext.gregs[REG_RAX]) : at_call ? kind->number : kind->rax);
        check_machine_stack(seed);
        if (kind->counts && (behind || at_call)) machine_in.gpr[kind->counts]--;
    }
    // The mask, and the alternate stack, are of that moment.
    if (other) {
    } else if (kind->look) kind->look(c, made);
    else {
        CHECK(!memcmp(&c->uc_sigmask, &before_call, 8));
        CHECK_EQ(c->uc_stack.ss_sp, alternate.ss_sp);
        CHECK_EQ(c->uc_stack.ss_size, alternate.ss_size);
        CHECK_EQ(c->uc_stack.ss_flags, alternate.ss_flags);
    }
    sigset_t now, expected;
    memcpy(&expected, &c->uc_sigmask, 8);
    sigaddset(&expected, the_signal);
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    CHECK(!memcmp(&now, &expected, 8));
    own_calls();
    switch (the_action) {
    case RETURN: return;
    case JUMP: jumped = 1; siglongjmp(escape, 1);
    case SET_CONTEXT: jumped = 1; setcontext(&escape_context); CHECK(!"setcontext returns");
    case EDIT: // the handler ends the call itself
        c->uc_mcontext.gregs[REG_RIP] = (greg_t)kind->site.after;
        c->uc_mcontext.gregs[REG_RCX] = (greg_t)kind->site.after;
        c->uc_mcontext.gregs[REG_R11] = (greg_t)machine_in.flags;
        c->uc_mcontext.gregs[REG_RAX] = wanted(0);
        if (kind->counts && rip != kind->site.call) c->uc_mcontext.gregs[from_register(kind->counts)] += !behind;
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

// All is set for a call of this kind.
static void prepare(const struct kind *k, uint64_t flags) {
    machine_patterns(seed, flags);
    for (int i = 0; i < 6; i++) {
        static const int at[6] = {RDI, RSI, RDX, R10, R8, R9};
        if (k->args[i] != PATTERN) machine_in.gpr[at[i]] = k->args[i];
    }
    machine_in.gpr[RAX] = (uint64_t)k->rax;
    machine_first = machine_target = k->site.go;
    machine_child = machine_quit;
    if (k->before) k->before();
}

// The process that makes the call; its copies end here as well.
__attribute__((noreturn)) static void victim(const struct kind *k, uint64_t flags) {
    kind = k;
    struct sigaction action = {.sa_handler = nested_handler};
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    action.sa_sigaction = interrupt_handler;
    action.sa_flags = SA_SIGINFO | (on_stack ? SA_ONSTACK : 0);
    CHECK_EQ(sigaction(the_signal, &action, NULL), 0);
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGWINCH);
    if (the_signal != SIGSYS) sigaddset(&some, SIGSYS);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &some, NULL), 0);
    before_call = some;
    CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
    own_calls(), nested = 0;
    for (int warm = k->cold ? 0 : 3; warm >= 0; warm--) {
        prepare(k, flags);
        if (!warm) machine_first = machine_break;
        if (!warm && k->side == CHILD) machine_child = (const char *)machine_done;
        CHECK_EQ(getcontext(&escape_context), 0);
        if (!jumped && sigsetjmp(escape, 1) == 0) {
            machine_call();
            int edited = copy && the_action == EDIT;
            CHECK_EQ(machine_out.gpr[RAX], wanted((long)machine_out.gpr[RAX]));
            machine_in.gpr[k->counts] += k->counts != 0;
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
    int length, blocked, left_out;
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
    int traced; // it is no child of ours
};
enum { FLIGHTS = 2 };
static struct flight flights[FLIGHTS];

static void land(struct flight *f) {
    int status;
    if (f->pid == 0) return;
    while (waitpid(f->pid, &status, __WALL) == f->pid && WIFSTOPPED(status))
        CHECK_EQ(ptrace(PTRACE_CONT, f->pid, NULL, (long)WSTOPSIG(status)), 0);
    f->pid = 0;
    if (status == 0) return;
    fprintf(stderr, "%s, flags %#lx: interrupted at instruction %d, rip %#lx, action %d: status %#x\n", kind->name,
            f->flags, f->number, f->rip, f->action, status);
    exit(1);
}

// Lets the stopped process make a call of ours, from where it is.
static long call(pid_t pid, const struct user_regs_struct *regs, long number, uint64_t a, uint64_t b, uint64_t c) {
    struct user_regs_struct calling = *regs;
    calling.rip = gate;
    calling.rax = (unsigned long long)number;
    calling.orig_rax = -1ull;
    calling.rdi = a, calling.rsi = b, calling.rdx = c, calling.r10 = 0, calling.r8 = 0;
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, &calling), 0);
    CHECK_EQ(step(pid, 0, &calling), 0);
    return (long)calling.rax;
}

// The victim's /proc/self/mem, if it has it open: in a copy it would lead to the victim's memory.
static int memory = -1;
static const char memory_name[] = "/proc/self/mem";

static void note_memory(pid_t pid, long number, uint64_t a, long result) {
    char link[64], name[64];
    if (number == SYS_close && a == (uint64_t)memory) memory = -1;
    if ((number != SYS_open && number != SYS_openat) || result < 0) return;
    snprintf(link, sizeof link, "/proc/%d/fd/%ld", pid, result);
    ssize_t length = readlink(link, name, sizeof name);
    if (length > 4 && !memcmp(name + length - 4, "/mem", 4)) memory = (int)result;
}

// A process does not inherit what is pending: the copy gets it from itself.
static void copy_pending(pid_t pid, pid_t other, const struct user_regs_struct *regs) {
    enum { MOST = 8 };
    static siginfo_t pending[MOST];
    static siginfo_t there; // at the same address in the copy
    struct __ptrace_peeksiginfo_args all = {.nr = MOST};
    long count = ptrace(PTRACE_PEEKSIGINFO, pid, &all, pending);
    CHECK(count >= 0 && count < MOST);
    for (int i = 0; i < count; i++) {
        if (pending[i].si_signo == SIGTRAP) continue; // of our steps
        for (size_t at = 0; at < sizeof there; at += 8)
            CHECK_EQ(ptrace(PTRACE_POKEDATA, other, (char *)&there + at, *(long *)((char *)&pending[i] + at)), 0);
        CHECK_EQ(call(other, regs, SYS_rt_sigqueueinfo, (uint64_t)other, (uint64_t)pending[i].si_signo, (uintptr_t)&there), 0);
    }
}

// Makes a copy of the stopped process and sends it on with the signal.
static void launch(pid_t pid, const struct user_regs_struct *regs, struct flight flight) {
    static int next;
    struct flight *f = &flights[next++ % FLIGHTS];
    land(f);
    struct user_regs_struct stopped;
    // What is pending is not to come while we make calls.
    uint64_t mask, all = -1ull;
    int others = kind->first_signal || kind->side;
    if (others) {
        CHECK_EQ(ptrace(PTRACE_GETSIGMASK, pid, (void *)sizeof mask, &mask), 0);
        CHECK_EQ(ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof all, &all), 0);
    }
    flight.pid = (pid_t)call(pid, regs, SYS_clone, CLONE_PTRACE | CLONE_PARENT | SIGCHLD, 0, 0);
    CHECK(flight.pid > 0);
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, regs), 0);
    if (others) CHECK_EQ(ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof mask, &mask), 0);
    CHECK_EQ(wait_for_stop(flight.pid, &stopped), SIGSTOP);
    if (memory >= 0) {
        long own = call(flight.pid, regs, SYS_open, (uintptr_t)memory_name, O_RDWR, 0);
        CHECK(own >= 0);
        CHECK_EQ(call(flight.pid, regs, SYS_dup2, (uint64_t)own, (uint64_t)memory, 0), memory);
        CHECK_EQ(call(flight.pid, regs, SYS_close, (uint64_t)own, 0, 0), 0);
    }
    if (others) {
        copy_pending(pid, flight.pid, regs);
        CHECK_EQ(ptrace(PTRACE_SETSIGMASK, flight.pid, (void *)sizeof mask, &mask), 0);
    }
    CHECK_EQ(ptrace(PTRACE_SETREGS, flight.pid, NULL, regs), 0);
    CHECK_EQ(ptrace(PTRACE_POKEDATA, flight.pid, &copy, (long)flight.number), 0);
    siginfo_t info = {.si_signo = the_signal, .si_code = SI_QUEUE};
    info.si_value.sival_ptr = (void *)(value | flight.action);
    CHECK_EQ(ptrace(PTRACE_SETSIGINFO, flight.pid, NULL, &info), 0);
    CHECK_EQ(ptrace(flight.traced ? PTRACE_CONT : PTRACE_DETACH, flight.pid, NULL, (long)the_signal), 0);
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

// Over a `popf` the kernel forgets that the trap flag is our own: so it is not stepped.
static void pop_flags(pid_t pid, struct user_regs_struct *regs) {
    errno = 0;
    regs->eflags = (unsigned long long)ptrace(PTRACE_PEEKDATA, pid, (void *)regs->rsp, NULL) & ~TF;
    CHECK_EQ(errno, 0);
    regs->rsp += 8;
    regs->rip++;
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, regs), 0);
}

// While the signal is blocked it waits in the kernel, wherever it comes: there each place is interrupted once, or one
// of `sparse` places (INTERRUPT_ALL in the environment: all).
static int is_blocked(pid_t pid) {
    uint64_t mask;
    CHECK_EQ(ptrace(PTRACE_GETSIGMASK, pid, (void *)sizeof mask, &mask), 0);
    return mask >> (the_signal - 1) & 1;
}

static int interrupt_all(void) { return getenv("INTERRUPT_ALL") != NULL; }

static uint64_t places[1 << 16];
static int is_new(uint64_t rip) {
    size_t i = scramble(rip) % (sizeof places / 8);
    for (; places[i]; i = (i + 1) % (sizeof places / 8))
        if (places[i] == rip) return 0;
    places[i] = rip;
    return 1;
}

// Whether the arm lets a call from there through: it is no site of the test's, or there is no arm.
static int is_let_through(uint64_t rip) { return rip != (uintptr_t)kind->site.call || gate == rip || !under_library(); }

static int is_thread(const struct kind *k) { return k->number == SYS_clone && k->args[0] & CLONE_THREAD; }

static int makes_child(long number) {
    return number == SYS_clone || number == SYS_fork || number == SYS_vfork || number == SYS_clone3;
}

// Steps over the call that makes the child. Returns the one of both that is followed.
static pid_t step_over_birth(pid_t pid, struct user_regs_struct *regs, pid_t *child) {
    enum { EVENTS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE };
    unsigned long number;
    int status;
    CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | EVENTS), 0);
    CHECK_EQ(step(pid, 0, regs), 0);
    CHECK_EQ(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &number), 0);
    CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
    *child = (pid_t)number;
    struct user_regs_struct of_child;
    CHECK_EQ(wait_for_stop(*child, &of_child), SIGSTOP);
    if (kind->side == CHILD) {
        CHECK_EQ(ptrace(PTRACE_SETOPTIONS, *child, NULL, PTRACE_O_EXITKILL), 0);
        *regs = of_child;
        return *child;
    }
    if (!is_thread(kind)) {
        CHECK_EQ(kill(*child, SIGKILL), 0);
        CHECK_EQ(waitpid(*child, &status, __WALL), *child);
        *child = 0;
    }
    CHECK_EQ(step(pid, 0, regs), 0);
    CHECK_EQ(ptrace(PTRACE_POKEDATA, pid, &has_child, 1L), 0);
    return pid;
}

// Steps a victim through the call; with `actions`, a bit set, interrupts a copy at each instruction.
static void follow(const struct kind *k, uint64_t flags, unsigned actions, struct path *path) {
    path->length = path->blocked = path->left_out = 0;
    int sparse = k->sparse && !interrupt_all() ? k->sparse : 1;
    memset(places, 0, sizeof places);
    struct user_regs_struct regs;
    kind = k;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) victim(k, flags);
    const pid_t victim_pid = pid;
    pid_t child = 0;
    int born = 0, signal, first_ran = k->first_signal == 0, blocked = 0, knows_pid = 0;
    while ((signal = wait_for_stop(pid, &regs)) != SIGTRAP || regs.rip != (uintptr_t)machine_start)
        CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, (long)signal), 0);
    CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
    signal = 0;
    for (;;) {
        if (signal == 0) {
            CHECK(path->length < LONGEST);
            path->rip[path->length++] = regs.rip;
            unsigned now = path->length > k->first_at && (k->side != CHILD || born) ? actions : 0;
            if (now && blocked) {
                now = !knows_pid && is_new(regs.rip) && path->blocked++ % sparse == 0 ? 1 << RETURN : 0;
                path->left_out += now == 0;
            }
            for (int action = 0; action < ACTIONS; action++)
                if (now >> action & 1)
                    launch(pid, &regs, (struct flight){.number = path->length, .action = action, .rip = regs.rip, .flags = flags, .traced = k->side == CHILD && !is_thread(k)});
            first_ran |= regs.rip == (uintptr_t)k->first_handler;
            if (regs.rip == (uintptr_t)k->site.after && first_ran) break;
            if (path->length == k->first_at) signal = k->first_signal;
        }
        uint64_t from = regs.rip, number = regs.rax, argument = regs.rdi;
        errno = 0;
        long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)from, NULL);
        CHECK_EQ(errno, 0);
        int before = signal;
        if (k->side && !born && signal == 0 && (word & 0xffff) == 0x050f && makes_child((long)number) && is_let_through(from)) born = 1, pid = step_over_birth(pid, &regs, &child);
        else if (signal == 0 && (word & 0xff) == 0x9d) pop_flags(pid, &regs);
        else signal = step(pid, signal, &regs);
        if (before || signal || (word & 0xffff) == 0x050f) blocked = is_blocked(pid);
        if ((word & 0xffff) == 0x050f && signal == 0) {
            gate = from;
            note_memory(pid, (long)number, argument, (long)regs.rax);
            // A copy has another number than the one that a signal is about to be sent to.
            if (number == SYS_getpid || number == SYS_gettid) knows_pid = 1;
            if (number == SYS_rt_tgsigqueueinfo) knows_pid = 0;
        }
        if (regs.rip > from) hide_trap_flag(pid, &regs, word);
    }
    for (int i = 0; i < FLIGHTS; i++) land(&flights[i]);
    int status;
    if (k->side) {
        CHECK(born);
        CHECK_EQ(kill(victim_pid, SIGKILL), 0);
        if (child) kill(child, SIGKILL);
        if (child) CHECK_EQ(waitpid(child, &status, __WALL), child);
        CHECK_EQ(waitpid(victim_pid, &status, __WALL), victim_pid);
        return;
    }
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
    CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
        CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, (long)WSTOPSIG(status) == SIGTRAP ? 0L : (long)WSTOPSIG(status)), 0);
    CHECK_EQ(status, 0);
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static struct path plain, full;
// All of it: no instruction that a plain call executes is left out.
static MAYBE_UNUSED void interrupt_everywhere(const struct kind *k, uint64_t flags, unsigned actions) {

    if (!gate) follow(k, flags, 0, &plain);
    plain.length = 0;
    if (!k->cold) { // trampolines lie where they do in all processes if we have them first
        kind = k;
        prepare(k, flags);
        machine_call();
        if ((!k->first_signal && !k->side) || interrupt_all()) follow(k, flags, 0, &plain);
    } // else where the rewriter has to look is another matter each time
    follow(k, flags, actions, &full);
    int length = full.length;
    qsort(full.rip, (size_t)length, 8, by_value);
    for (int i = 0; i < plain.length; i++)
        if (!bsearch(&plain.rip[i], full.rip, (size_t)length, 8, by_value)) {
            fprintf(stderr, "%s: %#lx, which a plain call executes, was not interrupted\n", k->name, plain.rip[i]);
            exit(1);
        }
    fprintf(stderr, "%s, flags %#lx: %d instructions, all interrupted", k->name, flags, length);
    if (full.left_out) fprintf(stderr, " but %d where signals are blocked", full.left_out);
    fputs("\n", stderr);
}
#endif
