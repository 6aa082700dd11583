// Shows that a thread which sits in a signal handler, interrupted between `mov` and
// `syscall`, makes the right call after another thread had the site rewritten under it.
#include "code.h"
#include <pthread.h>
#include <ucontext.h>

enum { SITES = 300 };

static unsigned char *text;
static _Atomic int parked_at, other_done;
static unsigned char *volatile park;
static const long TF = 0x100;

static unsigned char *site_of(int i) { return text + (size_t)(i / 4) * PAGE + (size_t)(i % 4) * 1024 + 192 + (size_t)i % 64; }

// Every instruction after TF was set comes here; at the place in question we stay until the
// other thread has made its calls.
static void stepped(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    ucontext_t *uc = context;
    if ((unsigned char *)uc->uc_mcontext.gregs[REG_RIP] != park) return;
    uc->uc_mcontext.gregs[REG_EFL] &= ~TF;
    int round = atomic_load(&parked_at) + 1;
    atomic_store(&parked_at, round);
    while (atomic_load(&other_done) != round) __builtin_ia32_pause();
}

static void *other(void *arg) {
    (void)arg;
    long me = raw0(SYS_gettid);
    for (int i = 0; i < SITES; i++) {
        wait_for(&parked_at, i + 1);
        for (int n = 0; n < 4; n++) CHECK_EQ(CALL(site_of(i)), me);
        CHECK_SITE(site_of(i), SYS_gettid);
        atomic_store(&other_done, i + 1);
    }
    return NULL;
}

int main(void) {
    size_t size = (SITES + 3) / 4 * PAGE;
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    fill_code(bytes, size);
    text = bytes;
    for (int i = 0; i < SITES; i++) put_call(bytes, site_of(i), SYS_gettid);
    text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    struct sigaction action = {.sa_sigaction = stepped, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGTRAP, &action, NULL), 0);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, other, NULL), 0);
    long me = raw0(SYS_gettid);
    for (int i = 0; i < SITES; i++) {
        struct regs in, out;
        pattern_regs(&in, (uint64_t)i);
        struct regs step = in;
        step.rflags |= (uint64_t)TF;
        // Two of three parked between the instructions, the third before the first.
        park = site_of(i) + (i % 3 == 2 ? 0 : 5);
        call_with(site_of(i), &step, &out);
        CHECK_EQ(out.rax, me);
        CHECK_EQ(atomic_load(&parked_at), i + 1);
        check_regs(&in, &out, site_of(i) + 7);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
    PASS();
}
