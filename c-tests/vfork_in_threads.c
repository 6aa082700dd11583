// Shows that vfork and posix_spawn's kind of clone in four threads at once suspend only their own
// thread, and that what the child does with cold sites holds for its parent, too.
// also: sud vetted
#include "clone.h"
#include <pthread.h>

enum { THREADS = 4, TIMES = 60 };

static unsigned char *text;
static _Atomic int next_site, stop;

static int child(void *argument) {
    *(volatile long *)argument = raw0(SYS_getpid);
    int site = atomic_fetch_add(&next_site, 1);
    for (int n = 0; n < 3; n++)
        if (CALL(text + (size_t)site * 100 + 140) != raw0(SYS_getpid)) return 1;
    return 12;
}

static void *forker(void *arg) {
    (void)arg;
    unsigned char *stack = shared_memory(65536);
    long me = raw0(SYS_gettid);
    for (int n = 0; n < TIMES; n++) {
        volatile long seen = 0;
        long pid;
        if (n % 2) {
            pid = vfork();
            if (pid == 0) _exit(child((void *)&seen));
        } else {
            pid = raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + 65536, NULL, NULL, NULL, child, (void *)&seen);
        }
        CHECK(pid > 0);
        CHECK_EQ(seen, pid); // it ran before us
        CHECK_EQ(raw0(SYS_gettid), me);
        int status;
        CHECK_EQ(waitpid((pid_t)pid, &status, 0), pid);
        CHECK_EQ(status, 12 << 8);
    }
    return NULL;
}

static void *calls(void *arg) {
    (void)arg;
    long me = raw0(SYS_gettid);
    while (!atomic_load(&stop)) CHECK_EQ(raw0(SYS_gettid), me);
    return NULL;
}

int main(void) {
    size_t size = (THREADS * TIMES * 100 / PAGE + 1) * PAGE;
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    fill_code(bytes, size);
    for (int i = 0; i < THREADS * TIMES; i++) put_call(bytes, bytes + (size_t)i * 100 + 140, SYS_getpid);
    text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    pthread_t thread[THREADS], busy;
    CHECK_EQ(pthread_create(&busy, NULL, calls, NULL), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, forker, NULL), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    atomic_store(&stop, 1);
    CHECK_EQ(pthread_join(busy, NULL), 0);
    for (int i = 0; i < THREADS * TIMES; i++) {
        unsigned char *site = text + (size_t)i * 100 + 140;
        CHECK_EQ(CALL(site), raw0(SYS_getpid));
        CHECK_SITE(site, SYS_getpid);
    }
    PASS();
}
