// Files, threads, locks, signals, children: what a C library has sites for.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 200 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn, signals;

static void handler(int sig) { signals += sig == SIGUSR1; }

static void *take_turns(void *arg) {
    int me = (int)(long)arg;
    char name[32], line[64];
    snprintf(name, sizeof name, "file-%d", me);
    FILE *file = fopen(name, "w+");
    for (int i = 0; i < LINES; i++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != me) pthread_cond_wait(&turned, &lock);
        turn++;
        pthread_cond_broadcast(&turned);
        pthread_mutex_unlock(&lock);
        fprintf(file, "line %d of %d\n", i, me);
        if (i % 10 == 0) fflush(file);
    }
    rewind(file);
    long length = 0;
    while (fgets(line, sizeof line, file)) length += (long)strlen(line);
    fclose(file);
    return (void *)length;
}

static long bytes_of(const char *name) {
    struct stat status;
    return stat(name, &status) ? -1 : (long)status.st_size;
}

int main(void) {
    pthread_t thread[THREADS];
    void *length;
    for (long i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, take_turns, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        pthread_join(thread[i], &length);
        printf("%s: %ld of %ld bytes\n", name, (long)length, bytes_of(name));
    }
    signal(SIGUSR1, handler);
    for (int i = 0; i < 100; i++) raise(SIGUSR1);
    printf("%d signals, %d turns\n", signals, turn);
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            char byte = (char)('a' + i);
            _exit(write(pair[1], &byte, 1) == 1 ? i : 99);
        }
        int status;
        char byte;
        waitpid(child, &status, 0);
        printf("child %d: %d, %zd, %c\n", i, WEXITSTATUS(status), read(pair[0], &byte, 1), byte);
    }
    printf("system: %d\n", WEXITSTATUS(system("exit 7")));
    int names = 0;
    DIR *here = opendir(".");
    while (readdir(here)) names++;
    closedir(here);
    printf("names: %s\n", names >= THREADS + 2 ? "all" : "some");
    for (int i = 0; i < 200; i++) {
        char *map = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(map, i, 1 << 16);
        munmap(map, 1 << 16);
    }
    struct timespec moment = {.tv_nsec = 1000};
    for (int i = 0; i < 50; i++) nanosleep(&moment, NULL);
    return 0;
}
