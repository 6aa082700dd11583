// modes: native trap rewrite stat
// A signal comes at every instruction of another signal's way: while that one is taken, held back or
// delivered, in its handler, and while its frame is taken apart. Both handlers run once, the call as well.
#include "interrupt_steps.h"
#include <sys/stat.h>

SITE(passed, " mov $95,%eax");
SITE(masked, " mov $14,%eax");

extern const char first_handler[], first_site[], first_call[], first_after[], first_return[], first_restorer[],
    first_restorer_call[];
volatile int first_count;
const ucontext_t *volatile first_context;
volatile long first_result;
// The first signal's handler and its restorer.
__asm__(".text\n.type first_handler,@function\n"
        "first_handler:\n .cfi_startproc\n"
        " mov %rdx,first_context(%rip)\n"
        "first_site:\n"
        " mov $110,%eax\n"
        "first_call:\n"
        " syscall\n"
        "first_after:\n"
        " mov %rax,first_result(%rip)\n"
        " incl first_count(%rip)\n"
        "first_return:\n"
        " ret\n .cfi_endproc\n.size first_handler,.-first_handler\n"
        ".p2align 4\n nop\n.type first_restorer,@function\n"
        "first_restorer:\n mov $15,%eax\n"
        "first_restorer_call:\n syscall\n hlt\n.size first_restorer,.-first_restorer\n");

static int umask_now(void) {
    mode_t now = umask(0);
    umask(now);
    return (int)now;
}

static sigset_t urgent, old_mask;
static int is_mask_kind(void) { return kind->number == SYS_rt_sigprocmask; }

// Whether the call has been made, by its effect alone.
static int has_effect(const ucontext_t *c) {
    sigset_t mask;
    if (!is_mask_kind()) return umask_now() == 027;
    memcpy(&mask, &c->uc_sigmask, 8);
    return sigismember(&mask, SIGURG);
}

static void set_up(void) {
    struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } action = {
        (void *)first_handler, SA_SIGINFO | 0x04000000 /* SA_RESTORER */, (void *)first_restorer, 0};
    CHECK_EQ(syscall(SYS_rt_sigaction, SIGPROF, &action, NULL, 8), 0);
    umask(022);
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &urgent, NULL), 0);
    memset(&old_mask, 0xee, sizeof old_mask);
    first_count = 0;
    for (int i = 0; i < 2; i++) { // warm
        CHECK_EQ(raw3(SYS_tgkill, getpid(), gettid(), SIGPROF), 0);
        CHECK_EQ(first_count, i + 1);
    }
    first_count = 0;
}

static void look(const ucontext_t *c, int has_been_made) {
    if (c && kind->first_signal) CHECK(first_count <= 1);
    if (copy && !c && !jumped) CHECK_EQ(first_count, 1);
    if (c || !is_mask_kind()) CHECK_EQ(has_effect(c), has_been_made);
}

// The context is one of the first signal's handler.
static int in_first_handler(const ucontext_t *c) {
    const greg_t *r = c->uc_mcontext.gregs;
    const char *rip = (const char *)r[REG_RIP];
    if (rip < first_handler || rip > first_restorer_call) return 0;
    CHECK(rip == first_handler || rip == first_site || rip == first_call || rip == first_after || rip == first_after + 7 ||
          rip == first_return || rip == first_restorer || rip == first_restorer_call);
    if (rip == first_handler) { // what is no argument is as it was
        static const int kept[] = {REG_RBX, REG_RCX, REG_RBP, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
        const greg_t *was = ((const ucontext_t *)r[REG_RDX])->uc_mcontext.gregs;
        CHECK_EQ(r[REG_RAX], 0);
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) CHECK_SAME("register of the handler", kept[i], r[kept[i]], was[kept[i]]);
    }
    const ucontext_t *first = rip == first_handler ? (const ucontext_t *)r[REG_RDX] : first_context;
    uint64_t frame = (uint64_t)first - 8;
    CHECK(frame % 16 == 8 && frame < machine_in.gpr[RSP] - RED_ZONE);
    CHECK_EQ(r[REG_RSP], frame + 8 * (rip >= first_restorer));
    CHECK_EQ(r[REG_RDI], SIGPROF);
    CHECK_EQ(r[REG_EFL] & (DF | TF), 0);
    if (rip == first_call) CHECK_EQ(r[REG_RAX], SYS_getppid);
    if (rip == first_restorer_call) CHECK_EQ(r[REG_RAX], SYS_rt_sigreturn);
    if (rip == first_after) CHECK_EQ(r[REG_RAX], raw0(SYS_getppid));
    if (rip == first_after) CHECK_EQ(r[REG_RCX], rip);
    if (rip >= first_return) CHECK_EQ(first_result, raw0(SYS_getppid));
    CHECK_EQ(first_count, rip >= first_return);
    // The first frame is right, and stays so.
    const char *there = (const char *)first->uc_mcontext.gregs[REG_RIP];
    int behind = there == kind->site.after;
    CHECK(behind || there == machine_start || there == kind->site.go || there == kind->site.call);
    check_frame_vectors(first);
    check_frame_registers(first, behind, behind ? kind->want : there == kind->site.call ? kind->number : kind->rax);
    check_machine_stack(seed);
    CHECK_EQ(has_effect(first), behind);
    made = behind;
    sigset_t mask, all;
    memcpy(&mask, &first->uc_sigmask, 8);
    memcpy(&all, &c->uc_sigmask, 8);
    CHECK_EQ(first->uc_stack.ss_sp, alternate.ss_sp);
    CHECK_EQ(first->uc_stack.ss_size, alternate.ss_size);
    CHECK_EQ(sigismember(&mask, SIGSYS), 1);
    CHECK_EQ(sigismember(&mask, SIGPROF), 0);
    sigaddset(&mask, SIGPROF);
    CHECK(!memcmp(&mask, &all, 8));
    return 1;
}

int main(void) {
    struct kind kinds[] = {
        {.name = "passed", .site = passed, .number = SYS_umask, .want = 022, .args = {027, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN}},
        {.name = "a mask set", .site = masked, .number = SYS_rt_sigprocmask, .want = 0,
         .args = {SIG_BLOCK, (uintptr_t)&urgent, (uintptr_t)&old_mask, 8, PATTERN, PATTERN}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct kind *k = &kinds[i];
        k->rax = 0x7777777777;
        k->before = set_up;
        k->look = look;
        follow(k, 0x891, 0, &plain);
        follow(k, 0x891, 0, &plain);
        int length = plain.length, parts = interrupt_all() ? 20 : i == 0 ? 2 : 4;
        k->first_signal = SIGPROF;
        k->first_handler = first_handler;
        k->elsewhere = in_first_handler;
        k->sparse = 16;
        for (int part = 0, at = 0; part < parts; part++) {
            int next = 1 + (length - 1) * part / (parts - 1);
            if (next <= at) continue;
            k->first_at = at = next;
            fprintf(stderr, "at instruction %d: ", at);
            interrupt_everywhere(k, 0x891, 1 << RETURN | (part & 1 ? 1 << JUMP : 0));
        }
        if (i && !interrupt_all()) continue;
        // One that no handler of the library's blocks.
        the_signal = SIGCHLD;
        k->once = 1;
        fprintf(stderr, "signal %d: ", the_signal);
        interrupt_everywhere(k, 0x891, 1 << RETURN);
        the_signal = SIGUSR1;
    }
    PASS();
}
