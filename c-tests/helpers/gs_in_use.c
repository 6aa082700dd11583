// A program that uses GS for itself, then loads the library named by LATE_LIB: threads with a GS of their
// own and one without go on, in it and in a child.
#include "../gs.h"
#include "../threads.h"
#include <dlfcn.h>

enum { THREADS = 4 };
static struct spin_barrier barrier;

static void use(struct gs_block *block) {
    for (int n = 0; n < 100; n++) {
        if (block) CHECK_GS(block);
        else CHECK_EQ(gs_base(), 0);
        CHECK_EQ(syscall(SYS_getpid), raw0(SYS_getpid));
    }
}

static void *body(void *number) {
    struct gs_block own, *block = (long)number & 1 ? &own : NULL;
    if (block) gs_set(block, (unsigned long)number);
    barrier_wait(&barrier, THREADS + 1);
    barrier_wait(&barrier, THREADS + 1);
    use(block);
    return NULL;
}

int main(void) {
    static struct gs_block block;
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) threads[i] = start_thread(body, (void *)i, 0);
    barrier_wait(&barrier, THREADS + 1);
    gs_set(&block, 0x1234);
    use(&block);
    const char *library = getenv("LATE_LIB");
    if (library) {
        void *handle = dlopen(library, RTLD_NOW);
        if (!handle) fprintf(stderr, "%s\n", dlerror());
        CHECK(handle);
    }
    barrier_wait(&barrier, THREADS + 1);
    use(&block);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    int status;
    IN_CHILD(status, use(&block));
    CHECK_EQ(status, 0);
    CHECK_GS(&block);
    PASS();
}
