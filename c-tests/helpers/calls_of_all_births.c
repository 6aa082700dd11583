// Makes getpgrp once from code of its own in everything that can come to be in a process tree: threads, children of
// every kind, handlers, images. Prints how often: `calls_of_all_births again` is one of the images.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *self;
static int made;

// A site that nobody has been at before.
static void call(void) {
    static const unsigned char code[] = {0xb8, SYS_getpgrp, 0, 0, 0, 0x0f, 0x05, 0xc3};
    unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, code, sizeof code);
    mprotect(at, 4096, PROT_READ | PROT_EXEC);
    if (((long (*)(void))at)() <= 0) abort();
}

static void once(void) {
    call();
    made++;
}

static void *thread(void *unused) {
    call();
    return unused;
}

static int born(void *unused) {
    (void)unused;
    call();
    return 0;
}

static void handler(int signal) {
    (void)signal;
    call();
}

static void wait_for(pid_t pid) {
    int status;
    if (pid <= 0 || waitpid(pid, &status, __WALL) != pid || status) abort();
    made++;
}

static void in_thread(void) {
    pthread_t id;
    if (pthread_create(&id, NULL, thread, NULL)) abort();
    pthread_join(id, NULL);
    made++;
}

// Nothing but the call on the stack of a raw clone: code is 0 where it is to end.
static void by_clone(int flags) {
    char *stack = malloc(65536);
    wait_for(clone(born, stack + 65536, flags, NULL));
    free(stack);
}

static void by_fork(void) {
    pid_t pid = fork();
    if (pid == 0) {
        call();
        pthread_t id;
        if (pthread_create(&id, NULL, thread, NULL)) abort();
        pthread_join(id, NULL);
        signal(SIGUSR2, handler);
        raise(SIGUSR2);
        _exit(0);
    }
    wait_for(pid);
    made += 2;
}

static void by_clone3(void) {
    uint64_t arguments[11] = {0, 0, 0, 0, SIGCHLD};
    pid_t pid = syscall(SYS_clone3, arguments, sizeof arguments);
    if (pid == 0) {
        call();
        _exit(0);
    }
    wait_for(pid);
}

static void by_vfork(void) {
    char *arguments[] = {self, "again", NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        call();
        execv("/nonexistent", arguments);
        call();
        execv(self, arguments);
        _exit(1);
    }
    wait_for(pid);
    made += 2;
    once();
}

static void by_spawn(void) {
    char *arguments[] = {self, "again", NULL};
    pid_t pid;
    if (posix_spawn(&pid, self, NULL, NULL, arguments, environ)) abort();
    wait_for(pid);
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc > 1) {
        call();
        return 0;
    }
    once();
    in_thread();
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    made++;
    by_fork();
    by_clone(SIGCHLD);
    by_clone(CLONE_VM | SIGCHLD);
    by_clone(CLONE_VM | CLONE_VFORK | SIGCHLD);
    by_clone(CLONE_FILES | CLONE_FS | SIGCHLD);
    by_clone(CLONE_VM | CLONE_SIGHAND);
    by_clone3();
    by_vfork();
    by_spawn();
    // The arm is not the application's to take away.
    if (prctl(59, 0, 0, 0, 0)) abort();
    once();
    if (prctl(59, 0, 1, 0, 0) != -1 || errno != EINVAL) abort();
    in_thread();
    by_fork();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    by_spawn();
    printf("%d\n", made);
    return 0;
}
