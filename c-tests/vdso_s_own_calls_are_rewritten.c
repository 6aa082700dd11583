// arm: seccomp sud
// Shows that a call which the vDSO makes itself takes its place in the vDSO, which is like any other code: the call
// is the application's, and what stands there is the kernel's own again where the pages become writable.
#include "code.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS = 3, CALLS = 20000 };
static unsigned char *vdso, kernels[8 * PAGE];
static size_t size;

static void *reader(void *arg) {
    struct timespec last = {0, 0}, now;
    // Clocks of a process are not in the vDSO's data.
    for (int i = 0; i < CALLS; i++) {
        CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
        CHECK(now.tv_sec > last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec));
        last = now;
    }
    return arg;
}

static int changed(void) {
    int bytes = 0;
    for (size_t i = 0; i < size; i++) bytes += vdso[i] != kernels[i];
    return bytes;
}

int main(void) {
    struct timespec now;
    char line[256];
    unsigned long from, to;
    vdso = (void *)getauxval(AT_SYSINFO_EHDR);
    CHECK(vdso);
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from == (uintptr_t)vdso) size = to - from;
    fclose(maps);
    CHECK(size > 0 && size <= sizeof kernels);
    memcpy(kernels, vdso, size);
    pthread_t thread[THREADS];
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_create(&thread[t], NULL, reader, NULL), 0);
    for (int t = 0; t < THREADS; t++) CHECK_EQ(pthread_join(thread[t], NULL), 0);
    CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    CHECK_EQ(clock_gettime((clockid_t)12345, &now), -1);
    CHECK_EQ(errno, EINVAL);
    if (rewriting()) CHECK(changed() > 0 && changed() < 16);
    else CHECK_EQ(changed(), 0);
    // Children have it as well.
    pid_t child = fork();
    if (child == 0) {
        reader(NULL);
        _exit(7);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    // Some kernels seal the pages.
    if (mprotect(vdso, size, PROT_READ | PROT_WRITE | PROT_EXEC) == 0) {
        CHECK_EQ(changed(), 0);
        CHECK_EQ(mprotect(vdso, size, PROT_READ | PROT_EXEC), 0);
        reader(NULL);
    }
    PASS();
}
