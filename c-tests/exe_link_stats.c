// stat, statx and access of /proc/self/exe are of the program; lstat is of the link.
#include "exe_link.h"

static void form(const char *path) {
    struct stat one;
    memset(&one, 0, sizeof one);
    CHECK_EQ(stat(path, &one), 0);
    CHECK_IS_PROGRAM(one);
    memset(&one, 0, sizeof one);
    CHECK_EQ(raw2(SYS_stat, path, &one), 0);
    CHECK_IS_PROGRAM(one);
    memset(&one, 0, sizeof one);
    CHECK_EQ(raw4(SYS_newfstatat, AT_FDCWD, path, &one, 0), 0);
    CHECK_IS_PROGRAM(one);
    CHECK_EQ(one.st_mtim.tv_sec, program_stat.st_mtim.tv_sec);
    struct statx extended;
    memset(&extended, 0, sizeof extended);
    CHECK_EQ(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &extended), 0);
    CHECK_EQ(extended.stx_ino, program_stat.st_ino);
    CHECK_EQ(makedev(extended.stx_dev_major, extended.stx_dev_minor), program_stat.st_dev);
    CHECK_EQ(statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_SIZE, &extended), 0);
    CHECK_EQ(extended.stx_size, program_stat.st_size);

    CHECK_EQ(lstat(path, &one), 0);
    CHECK(S_ISLNK(one.st_mode));
    CHECK_EQ(raw4(SYS_newfstatat, AT_FDCWD, path, &one, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(S_ISLNK(one.st_mode));
    CHECK_EQ(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &extended), 0);
    CHECK(S_ISLNK(extended.stx_mode));

    for (int mode = 0; mode < 8; mode++) {
        CHECK_EQ(raw2(SYS_access, path, mode), raw2(SYS_access, program, mode));
        CHECK_EQ(raw3(SYS_faccessat, AT_FDCWD, path, mode), raw3(SYS_faccessat, AT_FDCWD, program, mode));
        CHECK_EQ(raw4(SYS_faccessat2, AT_FDCWD, path, mode, AT_EACCESS),
                 raw4(SYS_faccessat2, AT_FDCWD, program, mode, AT_EACCESS));
    }
    CHECK_EQ(raw2(SYS_access, path, 8), -EINVAL);
    CHECK_EQ(raw2(SYS_stat, path, 8), -EFAULT);
}

int main(int argc, char **argv) {
    STARTED_BY_EXEC(argc, argv);
    struct stat one;
    each_form(form);
    int proc = open("/proc/self", O_PATH);
    CHECK(proc >= 0);
    CHECK_EQ(fstatat(proc, "exe", &one, 0), 0);
    CHECK_IS_PROGRAM(one);
    CHECK_EQ(faccessat(proc, "exe", X_OK, 0), 0);
    CHECK_EQ(close(proc), 0);

    // Through the application's own symbolic links.
    unlink("link"), unlink("second");
    CHECK_EQ(symlink("/proc/self/exe", "link"), 0);
    CHECK_EQ(symlink("./link", "second"), 0);
    CHECK_EQ(stat("second", &one), 0);
    CHECK_IS_PROGRAM(one);
    CHECK_EQ(lstat("second", &one), 0);
    CHECK(S_ISLNK(one.st_mode));
    CHECK_EQ(access("second", X_OK), 0);
    unlink("link"), unlink("second");

    // The descriptor's own file, without a path.
    int fd = open("/proc/self/exe", O_PATH);
    CHECK(fd >= 0);
    CHECK_EQ(fstatat(fd, "", &one, AT_EMPTY_PATH), 0);
    CHECK_IS_PROGRAM(one);
    close(fd);
    CHECK_ERR(stat("/proc/self/exe/", &one), ENOTDIR);
    CHECK_ERR(stat("nothing/exe", &one), ENOENT);
    CHECK_ERR(access("nothing/exe", F_OK), ENOENT);
    PASS();
}
