// Files and links with numbers for names, and a memfd of the application's own with any name, are listed
// as ever.
#include "fds.h"

int main(void) {
    char name[32];
    CHECK_EQ(mkdir("numbers", 0755), 0);
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "numbers/%d", i * 13);
        if (i % 2) CHECK_EQ(symlink("/memfd:usertrap (deleted)", name), 0);
        else CHECK_EQ(close(open(name, O_WRONLY | O_CREAT, 0600)), 0);
    }
    for (int i = LAST_FD - 200; i < LAST_FD; i++) {
        snprintf(name, sizeof name, "numbers/%d", i);
        symlink("/memfd:usertrap (deleted)", name);
    }
    int fd = open("numbers", O_RDONLY | O_DIRECTORY);
    static char buffer[4096];
    static char seen[2 * LAST_FD];
    int count = 0;
    for (long n; (n = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0;)
        for (long at = 0; at < n; at += *(unsigned short *)(buffer + at + 16))
            if (buffer[at + 19] != '.') count++, seen[atoi(buffer + at + 19)]++;
    int wanted = 0;
    for (int i = 0; i < 2 * LAST_FD; i++) {
        snprintf(name, sizeof name, "numbers/%d", i);
        int there = faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        CHECK_EQ(seen[i], there);
        wanted += there;
    }
    CHECK_EQ(count, wanted);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(dup2(memfd_create("usertrap", 0), 60), 60);
    print_listing("/proc/self/fd");
    print_open("open");
    PASS();
}
