// Two threads: main steps through its calls, at its own sites, while "worker" makes calls of its own in a loop until
// main is done; both check every result.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int done, wrong;
static volatile long turns;

static long call(long number) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
    return result;
}

__attribute__((noinline)) static long own_site(void) {
    long result;
    __asm__ volatile(".globl own_begin, own_end\n"
                     "own_begin: mov $186, %%eax; syscall\n"
                     "own_end: nop"
                     : "=&a"(result)
                     :
                     : "rcx", "r11", "memory");
    return result;
}

static void *works(void *argument) {
    long self = call(SYS_gettid), parent = getppid();
    pthread_setname_np(pthread_self(), "worker");
    while (!done) {
        if (own_site() != self || getppid() != parent || syscall(SYS_gettid) != self) wrong++;
        turns++;
    }
    return argument;
}

__attribute__((noinline)) static long steps(int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
        sum += own_site() == getpid();
        sum += getppid() > 0;
    }
    return sum;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, works, NULL);
    while (turns < 3) getppid();
    long sum = steps(4);
    // Before gdb tells of the thread's end, into whose line it could come.
    printf("sum %ld, wrong %d\n", sum, wrong);
    fflush(stdout);
    done = 1;
    pthread_join(thread, NULL);
    return wrong;
}
