// Shows that text which one thread makes writable, while another reaches its cold sites for the
// first time, holds the program's own bytes as long as it is writable.
#include "code.h"
#include <pthread.h>

enum { SITES = 30, ROUNDS = 40 };

static unsigned char *text;
static _Atomic int done;
static struct spin_barrier barrier;

static void *caller(void *arg) {
    long me = raw0(SYS_gettid);
    (void)arg;
    barrier_wait(&barrier, 2);
    for (int i = 0; i < SITES; i++)
        for (int n = 0; n < 20; n++) CHECK_EQ(CALL(text + 128 + i * 130), me);
    atomic_store(&done, 1);
    return NULL;
}

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + 128 + i * 130, SYS_gettid);
    for (int round = 0; round < ROUNDS; round++) {
        text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
        atomic_store(&done, 0);
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, caller, NULL), 0);
        barrier_wait(&barrier, 2);
        while (!atomic_load(&done)) {
            CHECK_EQ(mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
            for (int look = 0; look < 4; look++) {
                CHECK(!memcmp(text, bytes, PAGE));
                raw0(SYS_sched_yield);
            }
            CHECK_EQ(mprotect(text, PAGE, PROT_READ | PROT_EXEC), 0);
            raw0(SYS_sched_yield);
        }
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(munmap(text, PAGE), 0);
    }
    PASS();
}
