// Threads that come to the same sites for the first time, all at once: each site is rewritten once, by one of them.
// The sites are such as Go has: a number before them, int3 behind, no unwind information.
// static: yes
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define SITES 2000
#define THREADS 2

__asm__(".pushsection .text.sites, \"ax\", @progbits\n"
        ".p2align 5, 0xcc\n"
        "sites:\n"
        ".rept 2000\n"
        "    nop\n"
        "    mov $39, %eax\n"
        "    syscall\n"
        "    ret\n"
        ".p2align 5, 0xcc\n"
        ".endr\n"
        ".popsection\n");
extern char sites[];

static atomic_int arrived[SITES];
static atomic_long wrong;
static long pid;

static void *calls(void *unused)
{
    (void)unused;
    for (int i = 0; i < SITES; i++) {
        long (*site)(void) = (long (*)(void))(sites + 32 * i);
        atomic_fetch_add(&arrived[i], 1);
        for (int spin = 0; atomic_load(&arrived[i]) < THREADS && spin < 20000; spin++)
            __asm__ volatile("pause");
        for (int call = 0; call < 60; call++)
            wrong += site() != pid;
    }
    return NULL;
}

int main(void)
{
    pid = getpid();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, calls, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("wrong: %ld\n", wrong);
    return 0;
}
