// Starts a program again and again and waits for its end.
//
//   exec fork|vfork COUNT PROGRAM ARGUMENTS...
//
// Prints, for one start: `wall NS` (the median), `mean NS`, `cpu NS` (ours and the children's), `faults N` (the
// children's page faults), `switches N`.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static uint64_t cpu(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000ull +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000ull;
}

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
    long count = argc > 3 ? atol(argv[2]) : 0;
    if (count < 1) {
        fprintf(stderr, "usage: exec fork|vfork COUNT PROGRAM ARGUMENTS...\n");
        return 2;
    }
    int by_fork = !strcmp(argv[1], "fork");
    uint64_t *times = calloc(count, sizeof *times);
    struct rusage own[2], children[2];
    getrusage(RUSAGE_SELF, &own[0]);
    getrusage(RUSAGE_CHILDREN, &children[0]);
    for (long i = 0; i < count; i++) {
        uint64_t from = now();
        pid_t child;
        int status;
        if (by_fork) {
            child = fork();
            if (child == 0) {
                execv(argv[3], argv + 3);
                _exit(126);
            }
        } else if (posix_spawn(&child, argv[3], NULL, NULL, argv + 3, environ) != 0) {
            child = -1;
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
            fprintf(stderr, "exec: %s failed\n", argv[3]);
            return 1;
        }
        times[i] = now() - from;
    }
    getrusage(RUSAGE_SELF, &own[1]);
    getrusage(RUSAGE_CHILDREN, &children[1]);
    uint64_t sum = 0;
    for (long i = 0; i < count; i++) sum += times[i];
    qsort(times, count, sizeof *times, ascending);
    printf("wall %lu\nmean %lu\n", times[count / 2], sum / count);
    printf("cpu %lu\n", (cpu(&own[1]) + cpu(&children[1]) - cpu(&own[0]) - cpu(&children[0])) / count);
    printf("faults %.1f\n", (double)(children[1].ru_minflt - children[0].ru_minflt) / count);
    printf("switches %.1f\n", (double)(children[1].ru_nvcsw - children[0].ru_nvcsw) / count);
    return 0;
}
