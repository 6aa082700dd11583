// A program that debuggers attach to: it waits in a read for bytes, prints each, and at the end how many they were.
// With "threads" another thread makes calls in a loop meanwhile, and checks their results.
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile long rounds;
static volatile int done;

__attribute__((noinline)) static long waits(int fd, char *at) {
    long result;
    __asm__ volatile("mov $0, %%eax; syscall; nop"
                     : "=&a"(result)
                     : "D"((long)fd), "S"(at), "d"(1L)
                     : "rcx", "r11", "memory");
    return result;
}

__attribute__((noinline)) static void reads(void) {
    char c;
    long got;
    while ((got = waits(0, &c)) == 1) {
        rounds++;
        putchar(c);
        fflush(stdout);
    }
    printf(" end %ld\n", got);
}

static void *calls(void *argument) {
    while (!done) {
        if (getppid() < 0) printf("bad\n");
        if (syscall(SYS_getpid) != getpid()) printf("bad\n");
    }
    return argument;
}

int main(int argc, char **argv) {
    pthread_t thread;
    int threads = argc > 1 && !strcmp(argv[1], "threads");
    if (threads) pthread_create(&thread, NULL, calls, NULL);
    reads();
    done = 1;
    if (threads) pthread_join(thread, NULL);
    printf("rounds %ld\n", rounds);
    return 0;
}
