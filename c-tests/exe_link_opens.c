// Opening /proc/self/exe opens the program, for reading alone, in every form of the call.
#include "exe_link.h"
#include <linux/openat2.h>

static void form(const char *path) {
    CHECK_FD_IS_PROGRAM(open(path, O_RDONLY));
    CHECK_FD_IS_PROGRAM(raw3(SYS_open, path, O_RDONLY, 0));
    CHECK_FD_IS_PROGRAM(openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
    CHECK_FD_IS_PROGRAM(open(path, O_PATH));
    struct open_how how = {.flags = O_RDONLY};
    CHECK_FD_IS_PROGRAM(raw4(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
    CHECK_ERR(open(path, O_WRONLY), ETXTBSY);
    CHECK_ERR(open(path, O_RDWR), ETXTBSY);
    CHECK_ERR(open(path, O_RDONLY | O_TRUNC), ETXTBSY);
    CHECK_ERR(open(path, O_WRONLY | O_APPEND), ETXTBSY);
    CHECK_ERR(creat(path, 0600), ETXTBSY);
    CHECK_EQ(raw2(SYS_creat, path, 0600), -ETXTBSY);
    how.flags = O_WRONLY;
    CHECK_EQ(raw4(SYS_openat2, AT_FDCWD, path, &how, sizeof how), -ETXTBSY);
    CHECK_ERR(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERR(open(path, O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_ERR(open(path, O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK_FD_IS_PROGRAM(open(path, O_RDONLY | O_CREAT, 0600));
    how = (struct open_how){.flags = O_RDONLY, .resolve = RESOLVE_NO_MAGICLINKS};
    CHECK_EQ(raw4(SYS_openat2, AT_FDCWD, path, &how, sizeof how), -ELOOP);
    how.resolve = RESOLVE_NO_SYMLINKS;
    CHECK_EQ(raw4(SYS_openat2, AT_FDCWD, path, &how, sizeof how), -ELOOP);
    struct stat link;
    int fd = open(path, O_PATH | O_NOFOLLOW);
    CHECK(fd >= 0);
    CHECK_EQ(fstat(fd, &link), 0);
    CHECK(S_ISLNK(link.st_mode));
    close(fd);
}

int main(int argc, char **argv) {
    STARTED_BY_EXEC(argc, argv);
    // Writing is forbidden by the file's mode first, to those whom it binds.
    int writable = !access(program, W_OK);
    if (!writable) {
        CHECK_ERR(open("/proc/self/exe", O_WRONLY), EACCES);
        CHECK_ERR(open("/proc/self/exe", O_RDWR), EACCES);
        CHECK_ERR(creat("/proc/self/exe", 0600), EACCES);
        CHECK_FD_IS_PROGRAM(open("/proc/self/exe", O_RDONLY));
        PASS();
    }
    each_form(form);
    int proc = open("/proc/self", O_PATH);
    CHECK(proc >= 0);
    CHECK_FD_IS_PROGRAM(openat(proc, "exe", O_RDONLY));
    struct open_how how = {.flags = O_RDONLY};
    CHECK_FD_IS_PROGRAM(raw4(SYS_openat2, proc, "exe", &how, sizeof how));
    CHECK_ERR(openat(proc, "exe", O_WRONLY), ETXTBSY);
    unlink("exe");
    CHECK_EQ(symlink("/proc/self/exe", "exe"), 0);
    CHECK_FD_IS_PROGRAM(open("exe", O_RDONLY));
    unlink("exe");

    // The lowest free number, the flag of close-on-exec, and a full table.
    int low = dup(0);
    close(low);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(fd, low);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    char magic[4];
    CHECK_EQ(read(fd, magic, 4), 4);
    CHECK(!memcmp(magic, "\177ELF", 4));
    close(fd);
    fd = open("/proc/self/exe", O_RDONLY);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
    int taken[2000], count = 0;
    while (count < 2000 && (taken[count] = dup(0)) >= 0) count++;
    if (count < 2000) {
        CHECK_ERR(open("/proc/self/exe", O_RDONLY), EMFILE);
        close(taken[--count]);
        CHECK_FD_IS_PROGRAM(open("/proc/self/exe", O_RDONLY));
    }
    while (count) close(taken[--count]);
    CHECK_ERR(open("/proc/self/exe/", O_RDONLY), ENOTDIR);
    CHECK_ERR(open("/proc/self/exe/exe", O_RDONLY), ENOTDIR);
    CHECK_ERR(open("/proc/1234567890/exe", O_RDONLY), ENOENT);
    CHECK_ERR(open("nothing/exe", O_RDONLY), ENOENT);
    CHECK_EQ(raw3(SYS_open, 8, O_RDONLY, 0), -EFAULT);
    PASS();
}
