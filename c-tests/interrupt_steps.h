// The tracer of interrupt.h: steps a victim, copies it at every stop, and gives the copies their signal.
#ifndef INTERRUPT_STEPS_H
#define INTERRUPT_STEPS_H
#include "interrupt.h"
#include <sys/user.h>

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

// Nor does it inherit Syscall User Dispatch, which may be the arm (linux/ptrace.h).
static void copy_dispatch(pid_t pid, pid_t other) {
    const enum __ptrace_request set_config = 0x4210, get_config = 0x4211;
    uint64_t config[4] = {0}; // mode, selector, offset, length
    if (ptrace(get_config, pid, (void *)sizeof config, config) == 0 && config[0])
        CHECK_EQ(ptrace(set_config, other, (void *)sizeof config, config), 0);
}

// Makes a copy of the stopped process, which stays stopped.
static pid_t make_copy(pid_t pid, const struct user_regs_struct *regs, long number) {
    struct user_regs_struct stopped;
    // What is pending is not to come while we make calls.
    uint64_t mask, all = -1ull;
    int others = kind->first_signal || kind->side;
    if (others) {
        CHECK_EQ(ptrace(PTRACE_GETSIGMASK, pid, (void *)sizeof mask, &mask), 0);
        CHECK_EQ(ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof all, &all), 0);
    }
    pid_t made_now = (pid_t)call(pid, regs, SYS_clone, CLONE_PTRACE | CLONE_PARENT | SIGCHLD, 0, 0);
    CHECK(made_now > 0);
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, regs), 0);
    if (others) CHECK_EQ(ptrace(PTRACE_SETSIGMASK, pid, (void *)sizeof mask, &mask), 0);
    CHECK_EQ(wait_for_stop(made_now, &stopped), SIGSTOP);
    copy_dispatch(pid, made_now);
    if (memory >= 0) {
        long own = call(made_now, regs, SYS_open, (uintptr_t)memory_name, O_RDWR, 0);
        CHECK(own >= 0);
        CHECK_EQ(call(made_now, regs, SYS_dup2, (uint64_t)own, (uint64_t)memory, 0), memory);
        CHECK_EQ(call(made_now, regs, SYS_close, (uint64_t)own, 0, 0), 0);
    }
    if (others) {
        copy_pending(pid, made_now, regs);
        CHECK_EQ(ptrace(PTRACE_SETSIGMASK, made_now, (void *)sizeof mask, &mask), 0);
    }
    CHECK_EQ(ptrace(PTRACE_SETREGS, made_now, NULL, regs), 0);
    CHECK_EQ(ptrace(PTRACE_POKEDATA, made_now, &copy, number), 0);
    return made_now;
}

// Makes a copy and sends it on with the signal.
static void launch(pid_t pid, const struct user_regs_struct *regs, struct flight flight) {
    static int next;
    struct flight *f = &flights[next++ % FLIGHTS];
    land(f);
    flight.pid = make_copy(pid, regs, flight.number);
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
    return mask >> ((kind->waits ? SIGXFSZ : the_signal) - 1) & 1; // a wait may be under a mask of the test's
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
            } else if (k->once && !interrupt_all() && !is_new(regs.rip)) now = 0;
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
        if (!before && regs.rip > from) hide_trap_flag(pid, &regs, word);
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
