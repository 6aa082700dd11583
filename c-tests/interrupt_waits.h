// Calls that wait, interrupted at each of their instructions: before the kernel has them, while they wait there, and
// behind them. Each copy of the victim (interrupt.h) gets its signal, and what it waits for when it waits (again).
#ifndef INTERRUPT_WAITS_H
#define INTERRUPT_WAITS_H
#include "gs.h"
#include "interrupt_steps.h"
#include <sys/time.h>

// Where a copy gets its signal.
enum phase { BEFORE, INSIDE, BEHIND, RESTARTED };

// How the signal stands to the mask of a wait.
enum masks { PLAIN, LET_IN /* by the wait alone */, KEPT_OUT /* by the wait alone */ };

struct wait {
    const char *name;
    struct site site;
    long number, want; // the result: A_CHILD is any above 0
    uint64_t args[6];
    int restartable;        // SA_RESTART restarts it
    int noted;              // with restart_syscall, if no handler runs
    int by_signal;          // it ends by a signal only
    int blocks;             // this signal is blocked
    int masked;             // it has a mask
    struct timespec *until; // or when this time is over
    void (*end)(pid_t waiter);
    void (*enter)(pid_t waiter, const struct user_regs_struct *regs); // gives it what it will wait for
    void (*again)(void);                                               // undoes the end
};

// What copies and the tracer share.
static struct { volatile int ran, word; } *shared;
static const struct wait *current;
static enum masks masks;
static volatile long phase; // of a copy
static uint64_t wait_mask;
static int uses_gs;
static int hook_waits; // the call is made by a hook: a signal that comes first is held back while it waits
static struct gs_block gs_block;
static int counts[4];

static int is_let_in(void) { return masks == LET_IN && phase != BEHIND; }
static int restarts_now(void) { return masks == PLAIN && phase == INSIDE && restarts && current->restartable && !hook_waits; }
// The handler finds the call made.
static int made_at_handler(void) {
    if (phase == BEFORE) return masks == LET_IN;
    return phase == BEHIND || (phase == INSIDE && !restarts_now());
}

// What the call ends with.
static long ends_with(long rax) {
    int interrupted = copy && (is_let_in() || phase == RESTARTED || (phase == INSIDE && masks == PLAIN && !(restarts && current->restartable)));
    int ended_by_signal = copy && phase != BEHIND && current->by_signal;
    if (interrupted || ended_by_signal) return -EINTR;
    return current->want == A_CHILD && rax > 0 ? rax : current->want;
}

static uint64_t mask_bit(int sig) { return 1ull << (sig - 1); }

static void nothing(int sig) { (void)sig; }

static void before_wait(void) {
    if (uses_gs) gs_set(&gs_block, 0x1234);
    // A pause has no argument that is wrong.
    struct itimerval ticks = {{0, 0}, {0, 0}};
    if (warming && current->number == SYS_pause) ticks = (struct itimerval){{0, 1000}, {0, 1000}};
    CHECK(signal(SIGALRM, nothing) != SIG_ERR);
    CHECK_EQ(setitimer(ITIMER_REAL, &ticks, NULL), 0);
    wait_mask = masks == KEPT_OUT ? mask_bit(the_signal) | mask_bit(SIGURG) : mask_bit(SIGURG) | mask_bit(SIGSYS);
    if (masks != KEPT_OUT) wait_mask &= ~mask_bit(the_signal);
    if (masks == LET_IN) sigaddset(&before_call, the_signal);
    if (current->blocks) sigaddset(&before_call, current->blocks);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &before_call, NULL), 0);
}

// A signal that nothing lets in during the call comes when the mask does.
static int is_late(const ucontext_t *c) { return c && masks == LET_IN && phase == BEHIND; }

static void look_at_wait(const ucontext_t *c, int has_been_made) {
    sigset_t now;
    if (uses_gs) CHECK_GS(&gs_block);
    if (!c) { // at the end of the copy
        CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
        CHECK(!memcmp(&now, &before_call, 8));
        CHECK_EQ(handled, copy && !is_late((void *)1));
        sigdelset(&now, the_signal);
        CHECK_EQ(sigprocmask(SIG_SETMASK, &now, NULL), 0);
        return;
    }
    if (!hook_waits || phase != BEFORE) CHECK_EQ(has_been_made, made_at_handler());
    CHECK(!memcmp(&c->uc_sigmask, &before_call, 8));
    CHECK_EQ(c->uc_stack.ss_sp, alternate.ss_sp);
    CHECK_EQ(c->uc_stack.ss_flags, alternate.ss_flags);
    if (is_let_in() || (current->masked && masks == PLAIN && phase == INSIDE)) runs_under = wait_mask;
    shared->ran = 1;
}

// ---- the tracer

static struct flight now;
static void hangs(int sig) {
    (void)sig;
    dprintf(2, "%s: hangs: instruction %d, rip %#lx, action %d, phase %ld\n", current->name, now.number, now.rip, now.action, phase);
    if (now.pid) kill(now.pid, SIGKILL);
    _exit(1);
}

static int has_ended(pid_t pid) {
    siginfo_t info = {0};
    CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == pid;
}

// False if it has ended instead.
static int waits(pid_t pid) {
    char name[64], text[256];
    snprintf(name, sizeof name, "/proc/%d/syscall", pid);
    for (; pid != now.pid || !has_ended(pid); sched_yield()) {
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0);
        ssize_t length = read(fd, text, sizeof text - 1);
        close(fd);
        if (length <= 0) continue;
        text[length] = 0;
        char *end;
        long number = strtol(text, &end, 10);
        if (end != text && (number == current->number || number == SYS_restart_syscall)) return 1;
    }
    return 0;
}

// Ends what the copy or the victim waits for.
static void end_wait(pid_t pid) {
    if (!waits(pid)) return;
    if (current->by_signal) CHECK_EQ(syscall(SYS_tgkill, pid, pid, SIGUSR2), 0);
    else current->end(pid);
}

static void interrupt_copy(pid_t pid, const struct user_regs_struct *regs, enum action action, int number, enum phase where) {
    phase = where;
    shared->ran = 0;
    alarm(40);
    now = (struct flight){.number = number, .action = action, .rip = regs->rip};
    now.pid = make_copy(pid, regs, number);
    CHECK_EQ(ptrace(PTRACE_POKEDATA, now.pid, &phase, (long)where), 0);
    CHECK_EQ(ptrace(PTRACE_POKEDATA, now.pid, &restarting, (long)(where == RESTARTED)), 0);
    if (current->enter && where != BEHIND) current->enter(now.pid, regs);
    siginfo_t info = {.si_signo = the_signal, .si_code = SI_QUEUE};
    info.si_value.sival_ptr = (void *)(value | action);
    struct user_regs_struct stopped = *regs;
    if (where == RESTARTED) stopped.rax = SYS_restart_syscall, stopped.orig_rax = -1ull;
    CHECK_EQ(ptrace(PTRACE_SETREGS, now.pid, NULL, &stopped), 0);
    if (where == INSIDE) {
        CHECK_EQ(ptrace(PTRACE_DETACH, now.pid, NULL, NULL), 0);
        CHECK(waits(now.pid));
        CHECK_EQ(syscall(SYS_rt_tgsigqueueinfo, now.pid, now.pid, the_signal, &info), 0);
    } else {
        CHECK_EQ(ptrace(PTRACE_SETSIGINFO, now.pid, NULL, &info), 0);
        CHECK_EQ(ptrace(PTRACE_DETACH, now.pid, NULL, (long)the_signal), 0);
    }
    // Whether it waits now, or again.
    int kept_out = masks == KEPT_OUT && where == INSIDE;
    int goes_on = kept_out || (action == RETURN && ((where == BEFORE && masks != LET_IN) || restarts_now()));
    if (hook_waits) goes_on = where == BEFORE || (where == INSIDE && restarts);
    while (goes_on && !kept_out && !hook_waits && !shared->ran && !has_ended(now.pid)) sched_yield();
    if (goes_on) end_wait(now.pid);
    int status;
    CHECK_EQ(waitpid(now.pid, &status, __WALL), now.pid);
    if (status) {
        fprintf(stderr, "%s, signal %d, masks %d, SA_RESTART %d: interrupted at instruction %d, rip %#lx, action %d, phase %d: status %#x\n",
                current->name, the_signal, masks, restarts, number, now.rip, action, where, status);
        exit(1);
    }
    now.pid = 0;
    if (current->again) current->again();
    counts[where]++;
}

// Most waits share most of their way: what one has been interrupted at with a signal of this kind is new no more.
static struct { uint64_t key; int times, most, run; } known[1 << 15];
static int run;
static int is_known(uint64_t rip, int has_waited) {
    int is_reserved = masks == LET_IN && the_signal != SIGUSR1;
    uint64_t key = rip ^ (uint64_t)masks << 56 ^ (uint64_t)has_waited << 60 ^ (uint64_t)is_reserved << 61;
    size_t size = sizeof known / sizeof *known, i = scramble(key) % size;
    while (known[i].key && known[i].key != key) i = (i + 1) % size;
    known[i].key = key;
    if (known[i].run != run) known[i].run = run, known[i].times = 0;
    if (++known[i].times <= known[i].most) return 1;
    known[i].most = known[i].times;
    return 0;
}

// Steps a victim through its call, and interrupts copies of it at every instruction.
static void interrupt_wait(const struct kind *k) {
    enum { SPARSE = 16 };
    kind = k;
    memset(places, 0, sizeof places);
    memset(counts, 0, sizeof counts);
    struct user_regs_struct regs;
    pid_t pid = fork();
    int signal, status, blocked = 0, knows_pid = 0, count = 0, in_blocked = 0, left_out = 0, again = 0, has_waited = 0;
    int inside_only = restarts && !interrupt_all(); // elsewhere SA_RESTART makes no difference
    run++;
    CHECK(pid >= 0);
    phase = BEHIND;
    if (pid == 0) victim(k, 0x891);
    while ((signal = wait_for_stop(pid, &regs)) != SIGTRAP || regs.rip != (uintptr_t)machine_start)
        CHECK_EQ(ptrace(PTRACE_CONT, pid, NULL, (long)signal), 0);
    CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
    for (;;) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)regs.rip, NULL);
        CHECK_EQ(errno, 0);
        int is_call = (word & 0xffff) == 0x050f;
        int is_wait = is_call && is_let_through(regs.rip) && regs.rax == (uint64_t)k->number && !has_waited &&
                      (k->number != SYS_fcntl || regs.rdi == k->args[0]);
        unsigned actions = 1 << RETURN | 1 << JUMP;
        count++;
        if (blocked) {
            actions = !knows_pid && is_new(regs.rip) && !inside_only && in_blocked++ % SPARSE == 0 ? 1 << RETURN : 0;
            left_out++;
        } else if (inside_only) actions = 0;
        else if (is_known(regs.rip, has_waited) && !interrupt_all()) {
            actions = again++ % SPARSE == run % SPARSE ? 1 << RETURN : 0;
        } else if (masks == LET_IN && has_waited) actions = 1 << RETURN;
        for (int action = 0; action < ACTIONS; action++)
            if (actions >> action & 1) interrupt_copy(pid, &regs, action, count, has_waited ? BEHIND : BEFORE);
        if (regs.rip == (uintptr_t)k->site.after) break;
        uint64_t from = regs.rip, number = regs.rax, argument = regs.rdi;
        if (is_wait) {
            for (int action = RETURN; action <= JUMP; action++) {
                interrupt_copy(pid, &regs, action, count, INSIDE);
                if (current->noted) interrupt_copy(pid, &regs, action, count, RESTARTED);
            }
            if (current->by_signal && !current->until) break;
            phase = BEHIND;
            if (current->until) CHECK_EQ(ptrace(PTRACE_POKEDATA, pid, &current->until->tv_sec, 0L), 0);
            if (current->enter) current->enter(pid, &regs);
            CHECK_EQ(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
            alarm(40);
            CHECK_EQ(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
            if (!current->until) end_wait(pid);
            CHECK_EQ(wait_for_stop(pid, &regs), SIGTRAP);
            has_waited = 1;
            if (current->again) current->again();
        } else if ((word & 0xff) == 0x9d) pop_flags(pid, &regs);
        else {
            signal = step(pid, 0, &regs);
            if (signal) { // of the trap
                blocked = 1;
                hide_trap_flag(pid, &regs, word);
                CHECK_EQ(step(pid, signal, &regs), 0);
                continue;
            }
        }
        if (is_call) gate = is_let_through(from) ? from : gate, blocked = is_blocked(pid);
        if (is_call && is_let_through(from)) {
            note_memory(pid, (long)number, argument, (long)regs.rax);
            if (number == SYS_getpid || number == SYS_gettid) knows_pid = 1;
            if (number == SYS_rt_tgsigqueueinfo) knows_pid = 0;
        }
        if (regs.rip > from) hide_trap_flag(pid, &regs, word);
    }
    CHECK_EQ(kill(pid, SIGKILL), 0);
    CHECK_EQ(waitpid(pid, &status, __WALL), pid);
    CHECK_EQ(counts[INSIDE], 2);
    CHECK(has_waited || current->by_signal);
    fprintf(stderr, "%s%s, signal %d, masks %d, SA_RESTART %d: %d instructions", k->name, uses_gs ? ", GS in use" : "", the_signal, masks, restarts, count);
    if (!inside_only) fprintf(stderr, ", %d on a known way, %d where signals are blocked, all others interrupted", again, left_out);
    fprintf(stderr, ": %d copies before, %d inside, %d restarted, %d behind\n", counts[BEFORE], counts[INSIDE],
            counts[RESTARTED], counts[BEHIND]);
}

static void prepare_waits(void) {
    hook_waits = getenv("HOOK_WAITS") != NULL;
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    CHECK(signal(SIGALRM, hangs) != SIG_ERR);
}

static MAYBE_UNUSED void interrupt_every_way(const struct wait *w, enum masks m) {
    struct kind k = {.name = w->name, .site = w->site, .number = w->number, .rax = 0x7777777777, .waits = ends_with,
                     .before = before_wait, .look = look_at_wait, .elsewhere = is_late};
    memcpy(k.args, w->args, sizeof k.args);
    current = w;
    masks = m;
    interrupt_wait(&k);
}
#endif
