// Shows that malloc, realloc and free in four threads, in all sizes, keep every block's content,
// with a fork now and then whose child goes on allocating.
#include "code.h"
#include <malloc.h>
#include <pthread.h>

enum { THREADS = 4, BLOCKS = 200, TURNS = 12000 };

static void work(unsigned seed, int turns) {
    struct { unsigned char *at; size_t size; } block[BLOCKS] = {{0}};
    for (int n = 0; n < turns; n++) {
        seed = seed * 1103515245 + 12345;
        int i = (int)(seed >> 8) % BLOCKS;
        size_t size = (seed >> 16) % 100 == 0 ? 300000 + seed % 100000 : 1 + seed % 3000;
        if (block[i].at) {
            CHECK_EQ(block[i].at[0], (unsigned char)i);
            CHECK_EQ(block[i].at[block[i].size - 1], (unsigned char)i);
        }
        if (block[i].at && n % 3 == 0) {
            free(block[i].at);
            block[i].at = NULL;
            continue;
        }
        block[i].at = realloc(block[i].at, size);
        CHECK(block[i].at);
        block[i].size = size;
        memset(block[i].at, i, size);
        if (n % 4000 == 3999) malloc_trim(0);
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i].at);
}

static void *thread_work(void *arg) {
    work((unsigned)(uintptr_t)arg, TURNS);
    for (int n = 0; n < 5; n++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            work(77, 500);
            _exit(0);
        }
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
    }
    return NULL;
}

int main(void) {
    pthread_t thread[THREADS];
    for (uintptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, thread_work, (void *)(t + 1)), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    PASS();
}
