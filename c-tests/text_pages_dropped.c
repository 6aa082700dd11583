// Shows that when the kernel drops private pages of text (MADV_DONTNEED), and with them what was
// written there, the calls stay right, with sites across pages half dropped and threads calling.
// also: load
#include "code.h"
#include <pthread.h>

enum { PAGES = 4, ROUNDS = 300 };

static unsigned char *text;
static _Atomic int stop;

static void *caller(void *arg) {
    (void)arg;
    long tid = raw0(SYS_gettid);
    while (!atomic_load(&stop))
        for (int p = 0; p < PAGES; p++) CHECK_EQ(CALL(text + p * PAGE + 200), tid);
    return NULL;
}

int main(void) {
    size_t size = PAGES * PAGE;
    unsigned char bytes[PAGES * PAGE];
    fill_code(bytes, size);
    for (int p = 0; p < PAGES; p++) put_call(bytes, bytes + p * PAGE + 200, SYS_gettid);
    for (int p = 1; p < PAGES; p++) put_call(bytes, bytes + p * PAGE - 2 * p, SYS_gettid); // 2, 4 and 6 bytes before the end
    text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    long tid = raw0(SYS_gettid);
    // Alone, whole mapping: everything is the file's again and works.
    for (int round = 0; round < 50; round++) {
        for (int n = 0; n < 4; n++) {
            for (int p = 0; p < PAGES; p++) CHECK_EQ(CALL(text + p * PAGE + 200), tid);
            for (int p = 1; p < PAGES; p++) CHECK_EQ(CALL(text + p * PAGE - 2 * p), tid);
        }
        CHECK_EQ(madvise(text, size, MADV_DONTNEED), 0);
    }
    // One page at a time while threads call.
    pthread_t thread[2];
    for (int t = 0; t < 2; t++) CHECK_EQ(pthread_create(&thread[t], NULL, caller, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_EQ(madvise(text + round % PAGES * PAGE, PAGE, MADV_DONTNEED), 0);
        for (int p = 0; p < PAGES; p++) CHECK_EQ(CALL(text + p * PAGE + 200), tid);
    }
    atomic_store(&stop, 1);
    for (int t = 0; t < 2; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    PASS();
}
