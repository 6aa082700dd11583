// Shows which descriptors a new image has: those without close-on-exec, with their offsets and flags,
// and no others (but at
// most three of the library, far up); new ones get the lowest free numbers.
// forms: pie nopie static static-pie
#include "image.h"
#include <dirent.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    CHECK(argc == 1 && argv[0]);
    DIR *list = opendir("/proc/self/fd");
    CHECK(list && dirfd(list) == 3); // 3 was close-on-exec
    int here[64] = {0}, others = 0;
    for (struct dirent *at; (at = readdir(list));) {
        if (at->d_name[0] == '.' || atoi(at->d_name) == dirfd(list)) continue;
        if (atoi(at->d_name) < 64) here[atoi(at->d_name)] = 1;
        else if (atoi(at->d_name) >= 200) others++;
        else CHECK_EQ(atoi(at->d_name), 0);
    }
    closedir(list);
    for (int fd = 0; fd < 64; fd++) {
        CHECK_EQ(here[fd], fcntl(fd, F_GETFD) >= 0);
        if (here[fd]) SHOW("  %d: %d, at %ld, %#x", fd, fcntl(fd, F_GETFD), fd > 2 ? (long)lseek(fd, 0, SEEK_CUR) : 0,
                           fd > 2 ? fcntl(fd, F_GETFL) : 0);
    }
    CHECK(others <= 3);
    CHECK_EQ(open("/dev/null", O_RDONLY), 3);
    CHECK_EQ(dup(5), 6);
    return 0;
}
#else
int main(void) {
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(fd >= 0);
    EACH_FORM(form) {
        int status;
        char *argv[] = {"image", NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            CHECK_EQ(dup2(fd, 40), 40);
            CHECK_EQ(close_range(3, 39, 0) | close_range(41, ~0u, 0), 0);
            CHECK_EQ(lseek(40, 0x123, SEEK_SET), 0x123);
            dup3(40, 3, O_CLOEXEC), dup3(40, 6, O_CLOEXEC), dup3(40, 63, O_CLOEXEC);
            dup2(40, 4), dup2(40, 5);
            fcntl(5, F_SETFD, FD_CLOEXEC), fcntl(5, F_SETFD, 0);
            fcntl(7, F_DUPFD_CLOEXEC, 7);
            open("/dev/null", O_WRONLY | O_APPEND | O_NONBLOCK);
            execve(image(form), argv, envp);
        });
        SHOW("%s", form);
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
