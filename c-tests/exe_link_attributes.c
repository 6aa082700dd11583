// Calls on attributes through /proc/self/exe are about the program: its mode, times and extended
// attributes change, and new programs still start.
// also: sud
#include "exe_link.h"
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

static void copy_program(const char *to) {
    char block[65536];
    int from = open("/proc/self/exe", O_RDONLY), fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(from >= 0 && fd >= 0);
    ssize_t length;
    while ((length = read(from, block, sizeof block)) > 0) CHECK_EQ(write(fd, block, length), length);
    close(from), close(fd);
}

static struct stat now(void) {
    struct stat one;
    CHECK_EQ(stat(program, &one), 0);
    return one;
}

int main(int argc, char **argv) {
    if (argc == 1) {
        // A copy, which is ours to change.
        copy_program("copy");
        execv("./copy", (char *[]){"./copy", "again", NULL});
        CHECK(!"execv");
    }
    if (argc == 3) _exit(42);
    CHECK(realpath(argv[0], program) != NULL);
    const char *path = "/proc/self/exe";
    CHECK_EQ(chmod(path, 0750), 0);
    CHECK_EQ(now().st_mode & 07777, 0750);
    CHECK_EQ(fchmodat(AT_FDCWD, path, 0711, 0), 0);
    CHECK_EQ(now().st_mode & 07777, 0711);
    long result = syscall(452, AT_FDCWD, path, 0755, 0); // fchmodat2
    CHECK(result == 0 || errno == ENOSYS);
    CHECK_EQ(chmod(path, 0755), 0);
    CHECK_EQ(chown(path, getuid(), getgid()), 0);
    CHECK_EQ(fchownat(AT_FDCWD, path, getuid(), getgid(), 0), 0);
    struct timespec times[2] = {{1000, 0}, {2000, 0}};
    CHECK_EQ(utimensat(AT_FDCWD, path, times, 0), 0);
    CHECK_EQ(now().st_mtim.tv_sec, 2000);
    struct utimbuf old = {3000, 4000};
    CHECK_EQ(raw2(SYS_utime, path, &old), 0);
    CHECK_EQ(now().st_mtim.tv_sec, 4000);
    struct timeval pair[2] = {{5000, 0}, {6000, 0}};
    CHECK_EQ(raw2(SYS_utimes, path, pair), 0);
    CHECK_EQ(now().st_mtim.tv_sec, 6000);
    pair[1].tv_sec = 7000;
    CHECK_EQ(raw3(SYS_futimesat, AT_FDCWD, path, pair), 0);
    CHECK_EQ(now().st_mtim.tv_sec, 7000);
    int directory = open("/proc/self", O_PATH);
    times[1].tv_sec = 8000;
    CHECK_EQ(utimensat(directory, "exe", times, 0), 0);
    CHECK_EQ(now().st_mtim.tv_sec, 8000);
    int fd = open(program, O_RDONLY);
    times[1].tv_sec = 9000;
    CHECK_EQ(futimens(fd, times), 0);
    CHECK_EQ(now().st_mtim.tv_sec, 9000);
    close(fd);

    struct statfs system, other;
    CHECK_EQ(statfs(path, &system), 0);
    CHECK_EQ(statfs(program, &other), 0);
    CHECK_EQ(system.f_type, other.f_type);
    char value[16] = {0};
    if (setxattr(program, "user.test", "before", 6, 0) == 0) {
        CHECK_EQ(getxattr(path, "user.test", value, sizeof value), 6);
        CHECK(!memcmp(value, "before", 6));
        CHECK_EQ(setxattr(path, "user.test", "after", 5, 0), 0);
        CHECK_EQ(getxattr(program, "user.test", value, sizeof value), 5);
        CHECK(listxattr(path, NULL, 0) >= 10);
        CHECK_EQ(removexattr(path, "user.test"), 0);
        CHECK_ERR(getxattr(program, "user.test", value, sizeof value), ENODATA);
    }
    int watcher = inotify_init1(IN_NONBLOCK);
    CHECK(inotify_add_watch(watcher, path, IN_ATTRIB) > 0);
    CHECK_EQ(chmod(program, 0700), 0);
    char event[4096];
    CHECK(read(watcher, event, sizeof event) > 0);
    CHECK_ERR(chmod("nothing/exe", 0700), ENOENT);
    CHECK_EQ(raw2(SYS_chmod, 8, 0700), -EFAULT);

    // Not to be executed any more; other programs are.
    int status;
    CHECK_EQ(chmod(path, 0600), 0);
    IN_CHILD(status, execl(path, "exe", "a", "b", NULL); _exit(errno));
    CHECK_EQ(status, EACCES << 8);
    IN_CHILD(status, execl("/bin/sh", "sh", "-c", "exit 6", NULL); _exit(errno));
    CHECK_EQ(status, 6 << 8);
    CHECK_EQ(chmod(path, 0700), 0);
    IN_CHILD(status, execl(path, "exe", "a", "b", NULL); _exit(errno));
    CHECK_EQ(status, 42 << 8);
    PASS();
}
