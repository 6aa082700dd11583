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
    const long *copied;   // the same: in a copy it may also be what it was in the process copied
    void (*before)(void); // sets up what the call changes
    // In the handler and at the end: checks that the call has been made, or has not.
    void (*look)(const ucontext_t *c, int made);
    int cold;             // it is the first call of its site
    int sparse;           // see is_blocked
    int once;             // each place is interrupted once, however often it is passed (INTERRUPT_ALL: always)
    const char *second;   // between `go` and `call`, where `counts` has been counted
    int counts;           // this register is one more behind `go`
    int first_signal;     // comes at the instruction `first_at` of the call; its handler starts at `first_handler`,
    int first_at;         // and has to have run before the call is over
    const char *first_handler;
    enum { NO_CHILD, PARENT, CHILD } side; // of a call that makes a child: which one is followed, and interrupted
    // In the handler: true if the context is one of another place that may be interrupted.
    int (*elsewhere)(const ucontext_t *c);
    // The call waits: what it ends with here, `rax` being what it has. Before, when the site is warmed, it fails at once.
    long (*waits)(long rax);
};

// What the handler does at its end.
enum action { RETURN, JUMP, SET_CONTEXT, EDIT, ACTIONS };

static const struct kind *kind;
static volatile long copy; // not 0: this is a copy, interrupted at that instruction
static volatile long has_child; // the copy's original has made its child already
static volatile int handled, nested, made, jumped;
static const uint64_t seed = 4711;
static const uint64_t value = 0x5ca1ab1edeadbe00;
static int the_signal = SIGUSR1, on_stack, restarts;
static enum action the_action;
static sigset_t before_call;
static int warming;
static uint64_t runs_under;      // not 0: the mask of a wait, under which the handler runs
static volatile long restarting; // the kernel is about to restart the call with what it has noted (restart_syscall)
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

// A copy made by a tracer has the numbers of the process copied where they are answered without the kernel.
static int tid_by_proc(void) {
    char link[64] = {0};
    if (!getenv("USERTRAP_ANSWER")) return gettid();
    CHECK(readlink("/proc/thread-self", link, sizeof link - 1) > 0);
    return atoi(strrchr(link, '/') + 1);
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
    CHECK_EQ(raw2(SYS_tkill, tid_by_proc(), SIGUSR2), 0);
    CHECK_EQ(nested, before);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &usr2, NULL), 0);
    CHECK_EQ(nested, before + 1);
    dirty();
}

// The result that the call must have, where it has that one.
static long wanted(long rax) {
    if (kind->waits) return warming && rax < 0 ? rax : kind->waits(rax);
    if (kind->copied && rax == *kind->copied) return rax;
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
    int behind = rip == kind->site.after, at_call = rip == kind->site.call || (kind->second && rip == kind->second);
    int other = kind->elsewhere && kind->elsewhere(c);
    if (!behind && !at_call && !other && rip != kind->site.go && rip != machine_start) {
        dprintf(2, "rip %p, site %p\n", rip, kind->site.call);
        CHECK(!"rip is at the site or behind it");
    }
    if (!other) {
        made = behind;
        if (kind->counts && (behind || at_call)) machine_in.gpr[kind->counts]++;
        check_frame_vectors(c);
        check_frame_registers(c, behind, behind ? wanted(c->uc_mcontext.gregs[REG_RAX]) : at_call ? (restarting ? SYS_restart_syscall : kind->number) : kind->rax);
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
    memcpy(&expected, runs_under ? (void *)&runs_under : (void *)&c->uc_sigmask, 8);
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
        if (k->waits && warming) machine_in.gpr[at[i]] = -1ull;
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
    action.sa_flags = SA_SIGINFO | (on_stack ? SA_ONSTACK : 0) | (restarts ? SA_RESTART : 0);
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
        warming = warm != 0;
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
            if (k->look && !warming) k->look(NULL, edited ? made : 1);
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
#endif
