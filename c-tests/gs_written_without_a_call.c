// modes: native trap rewrite fallback stat
// static: yes
// A program that changes GS by an instruction, never by arch_prctl: its next call, through a site that
// has been rewritten long before, is made right, and so are all others. The same for a selector in %gs,
// which sets the base to 0, with handlers of the program's own for SIGSEGV and without.
#include "gs.h"
#include "threads.h"
#include <setjmp.h>
#include <sys/time.h>

static struct gs_block block = {&block, 0x1234};
static unsigned char *site, *answered, *unknown;

static void calls(void) {
    struct regs in, out;
    for (uint64_t seed = 0; seed < 50; seed++) {
        pattern_regs(&in, seed);
        call_with(site, &in, &out);
        CHECK_EQ(out.rax, getpid());
        check_regs(&in, &out, site + 7);
        in.rdi = in.rsi = 0;
        call_with(answered, &in, &out);
        CHECK_EQ(out.rax, 0);
        check_regs(&in, &out, answered + 7);
        call_with(unknown, &in, &out);
        CHECK_EQ(out.rax, -ENOSYS);
        check_regs(&in, &out, unknown + 7);
        CHECK_EQ(rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), syscall(SYS_getppid));
    }
}

// The first call is of one kind or another.
static void write_base(int kind) {
    struct regs in, out;
    pattern_regs(&in, (uint64_t)kind);
    in.rdi = in.rsi = 0;
    const unsigned char *first[] = {site, answered, unknown};
    gs_write(&block);
    if (kind < 3) {
        call_with(first[kind], &in, &out);
        CHECK_EQ(out.rax, kind == 0 ? getpid() : kind == 1 ? 0 : -ENOSYS);
        check_regs(&in, &out, first[kind] + 7);
    } else {
        CHECK_EQ(rawreg(SYS_getpid, 0, 0, 0, 0, 0, 0), syscall(SYS_getpid));
    }
    CHECK_GS(&block);
    calls();
    CHECK_GS(&block);
    CHECK(is_original(site, SYS_getpid));
    gs_write(NULL);
    calls();
    CHECK_EQ(gs_base(), 0);
}

static void load_selector(void) {
    __asm__ volatile("mov %0,%%gs" ::"r"(0) : "memory");
    CHECK_EQ(CALL(site), getpid());
    calls();
    CHECK_EQ(gs_base(), 0);
    gs_set(&block, 7);
    calls();
    CHECK_GS(&block);
}

static volatile int faults;
static int *volatile nowhere = (int *)8;
static sigjmp_buf back;
static void on_fault(int sig, siginfo_t *info, void *unused) {
    (void)unused;
    CHECK_EQ(sig, SIGSEGV);
    CHECK_EQ(info->si_addr, 8);
    CHECK(gs_is(&block));
    faults++;
    siglongjmp(back, 1);
}

static void with_handler(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, now;
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    write_base(0);
    CHECK_EQ(faults, 0);
    gs_write(&block);
    if (!sigsetjmp(back, 1)) *nowhere = 1;
    CHECK_EQ(faults, 1);
    CHECK_GS(&block);
    CHECK_EQ(sigaction(SIGSEGV, NULL, &now), 0);
    CHECK(now.sa_sigaction == on_fault);
}

static volatile int handled;
static void on_signal(int sig) {
    (void)sig;
    CHECK(gs_is(&block));
    CHECK_EQ(CALL(site), getpid());
    CHECK_GS(&block);
    handled = 1;
}

// The next thing that happens is a signal, and the next call that of its handler.
static void in_handler(void) {
    struct sigaction action = {.sa_handler = on_signal};
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval soon = {{0, 0}, {0, 5000}};
    CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    gs_write(&block);
    while (!handled) CHECK(gs_is(&block));
    CHECK_GS(&block);
    calls();
}

static struct spin_barrier barrier;
static _Atomic int stop;
static void *other(void *unused) {
    (void)unused;
    barrier_wait(&barrier, 3);
    while (!atomic_load(&stop)) CHECK_EQ(CALL(site), getpid());
    CHECK_EQ(gs_base(), 0);
    return NULL;
}

static void *writer(void *unused) {
    (void)unused;
    barrier_wait(&barrier, 3);
    write_base(0);
    return NULL;
}

static void beside_others(void) {
    pthread_t a = start_thread(other, NULL, 0), b = start_thread(writer, NULL, 0);
    barrier_wait(&barrier, 3);
    for (int i = 0; i < 1000; i++) CHECK_EQ(CALL(site), getpid());
    join_thread(b);
    atomic_store(&stop, 1);
    join_thread(a);
    CHECK_EQ(gs_base(), 0);
}

int main(void) {
    if (!has_fsgsbase()) SKIP("no wrgsbase");
    int taken = rewriting();
    unsigned char text[8192];
    fill_code(text, sizeof text);
    put_call(text, text + 1024, SYS_getpid);
    put_call(text, text + 2048, SYS_sigaltstack);
    put_call(text, text + 3072, 600);
    unsigned char *code = map_code(text, sizeof text, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    site = code + 1024, answered = code + 2048, unknown = code + 3072;
    calls();
    CHECK_EQ(is_rewritten(site), taken);
    int status;
    for (int kind = 0; kind < 4; kind++) {
        IN_CHILD(status, write_base(kind));
        CHECK_EQ(status, 0);
    }
    IN_CHILD(status, load_selector());
    CHECK_EQ(status, 0);
    IN_CHILD(status, with_handler());
    CHECK_EQ(status, 0);
    IN_CHILD(status, in_handler());
    CHECK_EQ(status, 0);
    for (int i = 0; i < 20; i++) {
        IN_CHILD(status, beside_others());
        CHECK_EQ(status, 0);
    }
    write_base(0);
    PASS();
}
