// Shows that threads which reach a cold site at the same moment all get the right call
// where the site straddles two pages, in each of the six splits.
#include "code.h"
#include <pthread.h>

enum { THREADS = 3, ROUNDS = 60, SITES = 6 * ROUNDS, BATCHES = 4 };

static unsigned char *text;
static struct spin_barrier barrier;

static size_t place(int i) { return (size_t)i * 2 * PAGE + PAGE - 1 - (size_t)i % 6; }

static void *racer(void *arg) {
    long me = raw0(SYS_gettid);
    struct regs in, out;
    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + place(i);
        pattern_regs(&in, (uint64_t)i * 8 + (uintptr_t)arg);
        barrier_wait(&barrier, THREADS);
        for (int again = 0; again < 4; again++) {
            call_with(site, &in, &out);
            CHECK_EQ(out.rax, me);
            check_regs(&in, &out, site + 7);
        }
    }
    return NULL;
}

static void batch(void) {
    size_t size = (size_t)SITES * 2 * PAGE;
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    fill_code(bytes, size);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + place(i), SYS_gettid);
    text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);

    pthread_t thread[THREADS];
    for (intptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, racer, (void *)t), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);

    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + place(i);
        CHECK_EQ(CALL(site), raw0(SYS_gettid));
        // Whether such a site is rewritten is the library's choice; halves it must not be.
        CHECK(is_original(site, SYS_gettid) || (rewriting() && is_rewritten(site)));
        memcpy(bytes + place(i), site, 7);
    }
    CHECK(!memcmp(bytes, text, size));
}

int main(void) {
    for (int i = 0; i < BATCHES; i++) {
        int status;
        IN_CHILD(status, batch());
        CHECK_EQ(status, 0);
    }
    PASS();
}
