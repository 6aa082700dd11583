// static: yes
// Programs executed by a descriptor (execveat with AT_EMPTY_PATH, fexecve): opened for reading, with
// O_PATH, with O_CLOEXEC; files without a name; memfds; /proc/self/fd.
#include "exec.h"
#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#define MFD_NOEXEC_SEAL 8
#endif

static char *arguments[] = {"program", NULL, NULL};

#define EXECUTE(fd) syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH)

static int memfd_of(const char *path, unsigned flags) {
    static char bytes[4 << 20];
    int from = open(path, O_RDONLY | O_CLOEXEC), fd = (int)syscall(SYS_memfd_create, "image", flags);
    if (fd < 0) return -1;
    ssize_t length = read(from, bytes, sizeof bytes);
    CHECK(length > 0 && length < (ssize_t)sizeof bytes);
    CHECK_EQ(write(fd, bytes, (size_t)length), length);
    CHECK_EQ(close(from), 0);
    return fd;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    arguments[1] = image_word();
    static const int modes[] = {O_RDONLY, O_RDONLY | O_CLOEXEC, O_PATH, O_PATH | O_CLOEXEC, O_PATH | O_NOFOLLOW};
    for (int i = 0; i < 5; i++) {
        int fd = open(self, modes[i]);
        CHECK(fd >= 0);
        RUNS(EXECUTE(fd));
        RUNS(fexecve(fd, arguments, environ));
        char path[40];
        sprintf(path, "/proc/self/fd/%d", fd);
        RUNS(execv(path, arguments));
        sprintf(path, "/dev/fd/%d", fd);
        RUNS(execv(path, arguments));
        // Where the descriptor stands does not matter, and stays.
        if (!(modes[i] & O_PATH)) {
            CHECK_EQ(lseek(fd, 1000, SEEK_SET), 1000);
            RUNS(EXECUTE(fd));
            CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1000);
        }
        CHECK_EQ(close(fd), 0);
    }
    // Removed, replaced.
    copy_file(self, "copy", 0755);
    int fd = open("copy", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(unlink("copy"), 0);
    RUNS(EXECUTE(fd));
    write_text("copy", "something else", 0755);
    RUNS(EXECUTE(fd));
    CHECK_EQ(fchmod(fd, 0644), 0);
    CHECK_ERR(EXECUTE(fd), EACCES);
    CHECK_EQ(fchmod(fd, 0700), 0);
    RUNS(EXECUTE(fd));
    CHECK_EQ(close(fd), 0);
    fd = open(".", O_TMPFILE | O_RDWR, 0700);
    if (fd >= 0) {
        CHECK_ERR(EXECUTE(fd), ETXTBSY);
        CHECK_EQ(close(fd), 0);
    }
    // Memory.
    for (unsigned flags = 0; flags < 2; flags++) {
        fd = memfd_of(self, flags ? MFD_CLOEXEC | MFD_ALLOW_SEALING : 0);
        CHECK(fd >= 0);
        RUNS(EXECUTE(fd)); // though it is open for writing
        RUNS(fexecve(fd, arguments, environ));
        if (flags) CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
        RUNS(EXECUTE(fd));
        CHECK_EQ(close(fd), 0);
    }
    fd = memfd_of(self, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (fd >= 0) {
        CHECK_ERR(EXECUTE(fd), EACCES);
        CHECK_EQ(close(fd), 0);
    }
    // Nothing to execute.
    fd = memfd_of("/proc/self/cmdline", MFD_CLOEXEC);
    CHECK_ERR(EXECUTE(fd), ENOEXEC);
    CHECK_ERR(fexecve(-1, arguments, environ), EINVAL);
    CHECK_ERR(fexecve(77, arguments, environ), EBADF);
    PASS();
}
