// Shows that code regenerated in place by one thread while others call functions beside it, cold
// and hot, is served rightly: a just-in-time compiler with several threads.
#include "code.h"
#include <pthread.h>

enum { CALLERS = 2, ROUNDS = 150, SLOTS = 16 };

static unsigned char *code;
static _Atomic int stop;
static struct spin_barrier barrier;

// Functions in the first page never change; they are called all the time and become hot.
static void *caller(void *arg) {
    (void)arg;
    long me = raw0(SYS_gettid);
    struct regs in, out;
    barrier_wait(&barrier, CALLERS + 1);
    for (int n = 0; !atomic_load(&stop); n++) {
        unsigned char *site = code + 64 + (n % SLOTS) * 100;
        pattern_regs(&in, (uint64_t)n);
        call_with(site, &in, &out);
        CHECK_EQ(out.rax, me);
        check_regs(&in, &out, site + 7);
    }
    return NULL;
}

int main(void) {
    unsigned char bytes[2 * PAGE];
    fill_code(bytes, sizeof bytes);
    for (int i = 0; i < SLOTS; i++) put_call(bytes, bytes + 64 + i * 100, SYS_gettid);
    code = make_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC);
    pthread_t thread[CALLERS];
    for (int t = 0; t < CALLERS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, caller, NULL), 0);
    barrier_wait(&barrier, CALLERS + 1);
    long results[] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid)};
    int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid};
    for (int round = 0; round < ROUNDS; round++) {
        unsigned char *mine = code + PAGE;
        CHECK_EQ(mprotect(mine, PAGE, PROT_READ | PROT_WRITE), 0);
        put_call(mine, mine + 64 + round % 64, numbers[round % 3]);
        CHECK_EQ(mprotect(mine, PAGE, PROT_READ | PROT_EXEC), 0);
        for (int n = 0; n < (round % 30 ? 50 : 8000); n++) CHECK_EQ(CALL(mine + 64 + round % 64), results[round % 3]);
    }
    atomic_store(&stop, 1);
    for (int t = 0; t < CALLERS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    PASS();
}
