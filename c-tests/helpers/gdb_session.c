// What the sessions of gdb_sessions_as_natively.sh step through: calls of libc, a call of its own instructions, a loop,
// a fork, threads.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

volatile long value, total;

__attribute__((noinline)) static long inline_call(void) {
    long result;
    __asm__ volatile(".globl site, behind\n"
                     "site: mov $110, %%eax; syscall\n"
                     "behind:"
                     : "=&a"(result)
                     :
                     : "rcx", "r11", "memory");
    return result == getppid();
}

__attribute__((noinline)) static long in_child(void) {
    value = getpid();
    value = getppid() == value;
    return value;
}

static void *thread(void *argument) {
    for (long i = 0; i < 5; i++) total += getppid() != 0;
    return argument;
}

__attribute__((noinline)) static void loop(int count) {
    for (int i = 0; i < count; i++) {
        total += inline_call();
        total += syscall(SYS_getppid) > 0;
    }
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    value = 1;
    total = getpid() > 0;
    total += inline_call();
    total += syscall(SYS_getppid) > 0;
    value = 2;
    loop(5);
    value = 3;
    if (!strcmp(what, "fork")) {
        pid_t child = fork();
        if (child == 0) _exit((int)in_child());
        waitpid(child, NULL, 0);
    }
    if (!strcmp(what, "threads")) {
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, thread, NULL);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    }
    if (!strcmp(what, "exec")) execl("/proc/self/exe", argv[0], "again", NULL);
    value = 4;
    printf("total %ld\n", total);
    return 0;
}
