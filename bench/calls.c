// Makes calls of one kind, as many as it is told, and prints the nanoseconds that one of them took.
//
//   calls KIND COUNT
//
// KIND: getpid, open (openat and close: two calls), fstat, read or write (a byte), string (write of 32 bytes).
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int zero, null;
static char buffer[32] = "a line of text of 32 characters";

static void make(char kind)
{
    struct stat found;
    long done = 1;
    int fd;

    switch (kind) {
    case 'g': syscall(SYS_getpid); break;
    case 'o':
        fd = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
        done = fd < 0 ? -1 : 1;
        close(fd);
        break;
    case 'f': done = fstat(zero, &found) == 0 ? 1 : -1; break;
    case 'r': done = read(zero, buffer, 1); break;
    case 'w': done = write(null, buffer, 1); break;
    case 's': done = write(null, buffer, sizeof buffer); break;
    default: done = -1;
    }
    if (done < 0) {
        perror("calls");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"getpid", "open", "fstat", "read", "write", "string"};
    char kind = 0;

    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(argv[1], kinds[i])) kind = *kinds[i];
    if (!kind) {
        fprintf(stderr, "usage: calls getpid|open|fstat|read|write|string COUNT\n");
        return 2;
    }
    long count = atol(argv[2]);
    struct timespec before, after;
    zero = open("/dev/zero", O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (long i = 0; i < count; i++) make(kind);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double ns = (after.tv_sec - before.tv_sec) * 1e9 + (after.tv_nsec - before.tv_nsec);
    printf("%.1f\n", ns / (kind == 'o' ? 2 * count : count));
    return 0;
}
