// One slice of the benchmark: getpid CALLS times at each of four sites, by CLOCK_MONOTONIC.
//
//   getpid CALLS [upper]
//
// With `upper` the upper halves of vector registers are in use at the calls, else not.
// Prints a line for each site: its name, nanoseconds per call, the result of the last call; then whether the
// inline site was rewritten, and how many seccomp filters there are.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "upper.h"

static bool upper;

enum { WARM_UP = 2000 };

// A function for each site that makes `count` calls and returns the last result. The asm sites have the seed's
// pattern, 7 bytes: the number in the instruction before. `noinline, noclone` keeps their labels unique.
#define REPEAT(NAME, CALL)                                          \
    static __attribute__((noinline, noclone)) long NAME(long count) \
    {                                                               \
        long result = 0;                                            \
        _Pragma("GCC unroll 1") while (count-- > 0) CALL;           \
        return result;                                              \
    }
#define SITE(LABEL, NUMBER)                                                    \
    __asm__ volatile(LABEL ": mov $" #NUMBER ", %%eax\n\tsyscall"              \
                     : "=a"(result) : : "rcx", "r11", "memory")

REPEAT(at_inline_site, SITE("inline_site", 39))
REPEAT(at_number_500, SITE("number_500", 500))
REPEAT(at_libc_getpid, result = getpid())
REPEAT(at_libc_syscall, result = syscall(SYS_getpid))
extern const unsigned char inline_site[];

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void measure(const char *name, long (*repeat)(long), long calls)
{
    repeat(WARM_UP);
    set_upper_halves(upper);
    long start = now();
    long result = repeat(calls);
    printf("%s %.3f %ld\n", name, (double)(now() - start) / calls, result);
}

static int filters(void)
{
    char line[256];
    int count = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "Seccomp_filters: %d", &count);
    return count;
}

int main(int argc, char **argv)
{
    long calls = argc > 1 ? atol(argv[1]) : 100000;
    if (calls < 1) calls = 1;
    upper = argc > 2;
    measure("inline", at_inline_site, calls);
    measure("libc-getpid", at_libc_getpid, calls);
    measure("libc-syscall", at_libc_syscall, calls);
    measure("number-500", at_number_500, calls);
    printf("rewritten %d %ld\n", inline_site[0] != 0xb8, (long)getpid());
    printf("filters %d 0\n", filters());
    return 0;
}
