// Shows that 200 children alive at the same time, each with threads that race to sites cold in
// their parent, all do right and report for themselves.
#include "code.h"
#include <pthread.h>

enum { CHILDREN = 200, THREADS = 2, SITES = 20 };

static unsigned char *text;
static struct spin_barrier barrier;

static void *racer(void *arg) {
    (void)arg;
    long me = raw0(SYS_gettid);
    barrier_wait(&barrier, THREADS);
    for (int i = 0; i < SITES; i++)
        for (int n = 0; n < 5; n++)
            if (CALL(text + 50 + i * 150) != me) _exit(9);
    return NULL;
}

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + 50 + i * 150, SYS_gettid);
    text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    int gate[2];
    CHECK_EQ(pipe(gate), 0);
    static pid_t child[CHILDREN];
    for (int c = 0; c < CHILDREN; c++) {
        child[c] = fork();
        if (child[c] < 0 && errno == EAGAIN) {
            while (--c >= 0) kill(child[c], SIGKILL);
            SKIP("not allowed so many processes");
        }
        CHECK(child[c] >= 0);
        if (child[c] == 0) {
            char go;
            if (close(gate[1]) != 0 || read(gate[0], &go, 1) != 0) _exit(8); // until all are there
            pthread_t thread[THREADS];
            for (int t = 0; t < THREADS; t++)
                if (pthread_create(&thread[t], NULL, racer, NULL) != 0) _exit(7);
            for (int t = 0; t < THREADS; t++) pthread_join(thread[t], NULL);
            _exit(c % 100);
        }
    }
    CHECK_EQ(close(gate[1]), 0);
    for (int c = 0; c < CHILDREN; c++) {
        int status;
        CHECK_EQ(waitpid(child[c], &status, 0), child[c]);
        CHECK_EQ(status, (c % 100) << 8);
    }
    PASS();
}
