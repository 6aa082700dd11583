// Shows that threads which reach a cold site at the same moment all get the right call,
// with the site at each of the 64 offsets of a cache line.
#include "code.h"
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 12, SITES = 64 * ROUNDS, BATCHES = 4 };

static unsigned char *text;
static struct spin_barrier barrier;

// Site i stands at offset i % 64 of a line that differs from round to round.
static size_t place(int i) { return (size_t)i * PAGE + 128 + (size_t)(i / 64) * 192 + (size_t)i % 64; }

static void *racer(void *arg) {
    long me = raw0(SYS_gettid);
    struct regs in, out;
    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + place(i);
        pattern_regs(&in, (uint64_t)i * 8 + (uintptr_t)arg);
        barrier_wait(&barrier, THREADS);
        for (int again = 0; again < 3; again++) {
            call_with(site, &in, &out);
            CHECK_EQ(out.rax, me);
            check_regs(&in, &out, site + 7);
        }
    }
    return NULL;
}

static void batch(void) {
    unsigned char *bytes = malloc((size_t)SITES * PAGE);
    CHECK(bytes);
    fill_code(bytes, (size_t)SITES * PAGE);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + place(i), SYS_gettid);
    text = map_code(bytes, (size_t)SITES * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);

    pthread_t thread[THREADS];
    for (intptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, racer, (void *)t), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);

    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + place(i);
        CHECK_EQ(CALL(site), raw0(SYS_gettid));
        CHECK_SITE(site, SYS_gettid);
        memcpy(bytes + place(i), site, 7);
    }
    CHECK(!memcmp(bytes, text, (size_t)SITES * PAGE)); // and nothing else was written
}

int main(void) {
    for (int i = 0; i < BATCHES; i++) {
        int status;
        IN_CHILD(status, batch());
        CHECK_EQ(status, 0);
    }
    PASS();
}
