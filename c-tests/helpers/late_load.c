// Threads that make calls before, while and after the library named by LATE_LIB is loaded.
#include "../code.h"
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>

enum { THREADS = 4, AFTER = 5000 };

static _Atomic int loaded, warm;
static unsigned char *text;

static void *caller(void *arg) {
    int index = (int)(intptr_t)arg, after = 0;
    long me = raw0(SYS_gettid), parent = raw0(SYS_getppid);
    struct regs in, out;
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    for (int n = 0; after < AFTER; n++) {
        if (atomic_load(&loaded)) after++;
        if (n == 100) atomic_fetch_add(&warm, 1);
        pattern_regs(&in, (uint64_t)n);
        unsigned char *site = text + 64 + (n * 7 + index) % 16 * 240;
        call_with(site, &in, &out);
        CHECK_EQ(out.rax, parent);
        check_regs(&in, &out, site + 7);
        CHECK_EQ(syscall(SYS_gettid), me);
        if (n % 100 == 0) {
            char byte = (char)n;
            CHECK_EQ(write(fds[1], &byte, 1), 1);
            CHECK_EQ(read(fds[0], &byte, 1), 1);
            CHECK_EQ(byte, (char)n);
        }
    }
    // No longer than the others.
    static struct spin_barrier barrier;
    barrier_wait(&barrier, THREADS + 1);
    if (!arg) return NULL;
    barrier_wait(&barrier, THREADS + 1);
    return NULL;
}

// One that sleeps in the kernel while the library comes.
static int sleepers[2];
static void *sleeper(void *arg) {
    (void)arg;
    char byte;
    CHECK_EQ(read(sleepers[0], &byte, 1), 1);
    for (int n = 0; n < 100; n++) CHECK_EQ(CALL(text + 64), raw0(SYS_getppid));
    return NULL;
}

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < 16; i++) put_call(bytes, bytes + 64 + i * 240, SYS_getppid);
    text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    pthread_t thread[THREADS], sleeping;
    CHECK_EQ(pipe(sleepers), 0);
    CHECK_EQ(pthread_create(&sleeping, NULL, sleeper, NULL), 0);
    for (intptr_t t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, caller, (void *)(t + 1)), 0);
    wait_for(&warm, THREADS);
    const char *library = getenv("LATE_LIB");
    if (library) {
        void *handle = dlopen(library, RTLD_NOW);
        if (!handle) fprintf(stderr, "%s\n", dlerror());
        CHECK(handle);
    }
    atomic_store(&loaded, 1);
    CHECK_EQ(write(sleepers[1], "x", 1), 1);
    CHECK_EQ(pthread_join(sleeping, NULL), 0);
    // All threads are armed.
    caller(NULL);
    if (library) {
        DIR *tasks = opendir("/proc/self/task");
        CHECK(tasks);
        for (struct dirent *entry; (entry = readdir(tasks));) {
            if (entry->d_name[0] == '.') continue;
            char path[300], line[256];
            snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
            FILE *file = fopen(path, "r");
            CHECK(file);
            int seccomp = -1;
            while (fgets(line, sizeof line, file)) sscanf(line, "Seccomp: %d", &seccomp);
            fclose(file);
            CHECK_EQ(seccomp, 2);
        }
        closedir(tasks);
    }
    PASS();
}
