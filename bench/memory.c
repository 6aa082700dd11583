// What memory a process takes: its resident pages once it has started, with so many sites that have been called more,
// and with so many threads more that have called and wait.
//
//   memory       prints `process KB PRIVATE 1`, `sites KB PRIVATE COUNT`, `threads KB PRIVATE COUNT`; PRIVATE are the
//                kilobytes of these that the process has written to
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 200 };

// getpid again and again, a function each, with unwind information as compilers write it.
#define SITES 4096
#define TEXT_(X) #X
#define TEXT(X) TEXT_(X)
__asm__(".text\n.balign 4096\nmemory_sites:\n"
        ".rept " TEXT(SITES) "\n.balign 64, 0xcc\n.cfi_startproc\n"
        "xor %edx, %edx\ntest %edx, %edx\njne 1f\nmov $39, %eax\nsyscall\n1: ret\n.cfi_endproc\n.endr\n");
extern char memory_sites[];

static pthread_barrier_t called, over;

static void *thread(void *unused)
{
    for (int i = 0; i < 100; i++) syscall(SYS_getppid);
    pthread_barrier_wait(&called);
    pthread_barrier_wait(&over);
    return unused;
}

static void tell(const char *what, int count)
{
    char line[128];
    long resident = 0, written = 0;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    if (!rollup) exit(1);
    while (fgets(line, sizeof line, rollup)) {
        sscanf(line, "Rss: %ld", &resident);
        sscanf(line, "Private_Dirty: %ld", &written);
    }
    fclose(rollup);
    if (count) printf("%s %ld %ld %d\n", what, resident, written, count);
}

static void call_sites(void)
{
    for (int i = 0; i < SITES; i++) ((long (*)(void))(memory_sites + i * 64l))();
}

int main(void)
{
    pthread_t threads[THREADS];
    // What is touched at the first time by either, natively too.
    volatile char *page = memory_sites;
    for (long i = 0; i < SITES * 64l; i += 4096) (void)page[i];
    pthread_barrier_init(&called, NULL, THREADS + 1);
    pthread_barrier_init(&over, NULL, THREADS + 1);
    tell("nothing", 0);
    tell("process", 1);
    call_sites();
    call_sites();
    tell("sites", SITES);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, thread, NULL)) return 1;
    pthread_barrier_wait(&called);
    tell("threads", THREADS);
    fflush(stdout);
    pthread_barrier_wait(&over);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
