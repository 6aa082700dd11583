// A program that lies in a memfd, or whose file was deleted while it ran: its link says so, and still leads to it.
#include "exe_link.h"

static int copy_to(int to) {
    int from = open("/proc/self/exe", O_RDONLY);
    CHECK(from >= 0);
    char block[65536];
    ssize_t length;
    while ((length = read(from, block, sizeof block)) > 0) CHECK_EQ(write(to, block, length), length);
    CHECK_EQ(length, 0);
    close(from);
    return to;
}

// In the copy: the link's text, and that what it leads to is this size and can be executed.
static int inner(const char *want, const char *size) {
    CHECK_LINK("/proc/self/exe", want);
    struct stat one, opened;
    CHECK_EQ(stat("/proc/self/exe", &one), 0);
    CHECK_EQ(one.st_size, atol(size));
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_EQ(fstat(fd, &opened), 0);
    CHECK_EQ(opened.st_ino, one.st_ino);
    CHECK_EQ(opened.st_dev, one.st_dev);
    close(fd);
    CHECK_EQ(access("/proc/self/exe", X_OK), 0);
    int status;
    IN_CHILD(status, execl("/proc/self/exe", "exe", "a", "b", "c", NULL); _exit(9));
    CHECK_EQ(status, 43 << 8);
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", getppid());
    CHECK_EQ(access(link, F_OK), 0);
    return 42;
}

int main(int argc, char **argv) {
    if (argc == 4) _exit(43);
    if (argc == 3) {
        if (argv[1][0] == '/' && strncmp(argv[1], "/memfd:", 7)) {
            // Executed from a file: deletes it.
            char path[PATH_MAX + 16];
            CHECK_LINK("/proc/self/exe", argv[1]);
            CHECK_EQ(unlink(argv[1]), 0);
            snprintf(path, sizeof path, "%s (deleted)", argv[1]);
            _exit(inner(path, argv[2]));
        }
        _exit(inner(argv[1], argv[2]));
    }
    STARTED_BY_EXEC(argc, argv);
    char size[32], here[PATH_MAX - 8], path[PATH_MAX];
    int status;
    snprintf(size, sizeof size, "%ld", (long)program_stat.st_size);

    int fd = memfd_create("program", MFD_CLOEXEC);
    CHECK(fd >= 0);
    copy_to(fd);
    IN_CHILD(status, fexecve(fd, (char *[]){"exe", "/memfd:program (deleted)", size, NULL}, environ); _exit(9));
    CHECK_EQ(status, 42 << 8);
    close(fd);

    CHECK(getcwd(here, sizeof here) != NULL);
    snprintf(path, sizeof path, "%s/copy", here);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    CHECK(fd >= 0);
    close(copy_to(fd));
    IN_CHILD(status, execl(path, "exe", path, size, NULL); _exit(9));
    CHECK_EQ(status, 42 << 8);
    PASS();
}
