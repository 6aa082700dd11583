// user: root
// The program that the stat_*.sh tests run under the stat tool: calls as often as told,
// and the ways to end and to use descriptors that a report must survive.
#include "threads.h"

static void calls(long times) {
    for (long i = 0; i < times; i++) {
        raw0(SYS_getppid);
        rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0);
        syscall(SYS_getppid);
    }
}

static void *ends_all(void *unused) {
    (void)unused;
    calls(5);
    raw1(SYS_exit_group, 3);
    return NULL;
}

static void *last_one(void *main_thread) {
    pthread_join((pthread_t)main_thread, NULL);
    calls(5);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2) PASS();
    calls(argc > 2 ? atol(argv[2]) : 7);
    const char *how = argv[1];
    if (!strcmp(how, "calls") || !strcmp(how, "return")) return 0;
    if (!strcmp(how, "group")) {
        start_thread(ends_all, NULL, 0);
        for (;;) pause();
    }
    if (!strcmp(how, "last")) {
        start_thread(last_one, (void *)pthread_self(), 0);
        pthread_exit(NULL);
    }
    if (!strcmp(how, "_exit")) _exit(0);
    if (!strcmp(how, "raw-exit")) raw1(SYS_exit, 0);
    if (!strcmp(how, "close-2")) return close(2);
    if (!strcmp(how, "close-all")) return raw3(SYS_close_range, 0, ~0u, 0);
    if (!strcmp(how, "reuse-2")) { // a file of its own gets number 2
        close(2);
        if (open("mine", O_WRONLY | O_CREAT, 0600) != 2) return 9;
        if (write(2, "mine\n", 5) != 5) return 9;
        return 0;
    }
    if (!strcmp(how, "dup-over")) {
        int fd = open("mine", O_WRONLY | O_CREAT, 0600);
        for (int i = 0; i < 1000; i++)
            if (i != fd) dup2(fd, i);
        if (write(2, "mine\n", 5) != 5) return 9;
        return 0;
    }
    if (!strcmp(how, "fork")) {
        for (int i = 0; i < 3; i++) {
            int status;
            pid_t child = fork();
            if (child == 0) {
                calls(100);
                _exit(0);
            }
            waitpid(child, &status, 0);
            printf("%d\n", child);
        }
        printf("%d\n", getpid());
        return 0;
    }
    if (!strcmp(how, "signal")) {
        raise(SIGTERM);
    }
    return 9;
}
