// static: yes
// Every descriptor is closed, or marked close-on-exec, before the exec, by all the means there are: the
// image runs, is interposed, and has none either.
#include "exec.h"

#define LAST 1023

static void by_close(void) { for (int fd = 0; fd <= LAST; fd++) close(fd); }
static void by_close_range(void) { syscall(SYS_close_range, 0, ~0u, 0); }
static void by_unsharing(void) { syscall(SYS_close_range, 0, ~0u, 2 /* CLOSE_RANGE_UNSHARE */); }
static void by_marking_range(void) { syscall(SYS_close_range, 0, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */); }
static void by_marking(void) { for (int fd = 0; fd <= LAST; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC); }
static void by_listing(void) {
    char entries[32768];
    int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    long n = syscall(SYS_getdents64, directory, entries, sizeof entries);
    for (long at = 0; at < n; at += *(unsigned short *)(entries + at + 16)) close(atoi(entries + at + 19));
    close(0); // the entries "." and ".." are 0 too
    close(directory);
}
static void by_dup2(void) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int to = 0; to <= LAST; to++) dup3(fd, to, O_CLOEXEC);
}

// With the last byte of argv[1] as the number of further images.
static int image(char **argv) {
    for (int fd = 0; fd <= LAST; fd++)
        if (fcntl(fd, F_GETFD) >= 0) return 1;
    if (argv[2][0] == '0') return 0;
    argv[2][0]--;
    execv(self, argv);
    return 2;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        strcpy(self, argv[0]);
        return image(argv);
    }
    know_self(argv);
    void (*const ways[])(void) = {by_close, by_close_range, by_unsharing, by_marking_range, by_marking, by_listing, by_dup2};
    for (int i = 0; i < 7; i++) {
        char generations[] = "5";
        char *arguments[] = {self, image_word(), generations, NULL};
        RUNS((ways[i](), execv(self, arguments)));
        RUNS((ways[i](), execv("no-such-file", arguments), execv(self, arguments)));
        CHECK(puts("as natively") >= 0);
    }
    PASS();
}
