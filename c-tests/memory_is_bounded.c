// arm: seccomp sud
// What of ours is in memory for a process alone stays small: of the first process of a tree, of an executed one, of
// each thread and of each site. The figures are pages that no file has (Anonymous of smaps), so they are the same
// whoever else runs.
#include <pthread.h>

#include "check.h"

enum { THREADS = 100, SITES = 1024, KB = 1024 };

// A function with a site each, four to a page, with unwind information as compilers write it.
__asm__(".text\n"
        ".balign 4096\n"
        "memory_sites:\n"
        ".rept 1024\n"
        ".balign 1024, 0xcc\n"
        ".cfi_startproc\n"
        "mov $39, %eax\n"
        "syscall\n"
        "ret\n"
        ".cfi_endproc\n"
        ".endr\n"
        ".balign 4096\n");
extern char memory_sites[];

// Bytes of our mappings: the image and the thread areas, the tables, the library's file.
static long ours(void) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    CHECK(maps);
    char line[4096];
    long sum = 0, here = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        long kilobytes;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            here = (from >= 0x580000000000 && from < 0x5a0000000000) || (from < 1ul << 31 && to - from == 65536) ||
                   strstr(line, "usertrap");
        else if (here && sscanf(line, "Anonymous: %ld kB", &kilobytes) == 1)
            sum += kilobytes * KB;
    }
    fclose(maps);
    return sum;
}

static void at_most(const char *what, long bytes, long limit) {
    if (bytes > limit) fprintf(stderr, "%s: %ld bytes, the limit is %ld\n", what, bytes, limit);
    CHECK(bytes <= limit);
    printf("%s\n", what);
}

static pthread_barrier_t all_there, measured;

static void *wait_there(void *unused) {
    (void)unused;
    CHECK(getppid() > 0);
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&measured);
    return NULL;
}

int main(int argc, char **argv) {
    ours(); // and what reading takes
    at_most("a process", ours(), 768 * KB);

    long before = ours();
    for (long i = 0; i < SITES; i++) CHECK_EQ(((long (*)(void))(memory_sites + i * 1024))(), getpid());
    at_most("a site", (ours() - before) / SITES, 128);

    pthread_t threads[THREADS];
    pthread_barrier_init(&all_there, NULL, THREADS + 1);
    pthread_barrier_init(&measured, NULL, THREADS + 1);
    before = ours();
    for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&threads[i], NULL, wait_there, NULL), 0);
    pthread_barrier_wait(&all_there);
    at_most("a thread", (ours() - before) / THREADS, 64 * KB);
    pthread_barrier_wait(&measured);
    for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);

    if (argc > 1) return 0;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", argv[0], "executed", NULL);
        _exit(126);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    return 0;
}
