// Shows that locks on files stay over exec: those of fcntl, that belong to the process, and those of
// flock, that belong to the open file, on the program's own file too (`flock "$0"`).
// forms: pie static
#include "image.h"
#include <sys/file.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    int status;
    CHECK_EQ(argc, 2);
    // Whether others find them: a child is another process, another open another file.
    IN_CHILD(status, {
        struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
        int file = open("locked", O_RDWR);
        CHECK_EQ(fcntl(file, F_GETLK, &lock), 0);
        CHECK_EQ(lock.l_type, F_WRLCK);
        CHECK_EQ(lock.l_pid, getppid());
        int self = open(argv[1], O_RDONLY);
        CHECK(self >= 0);
        CHECK_ERR(flock(self, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    });
    CHECK_EQ(status, 0);
    return 0;
}
#else
int main(void) {
    DYNAMIC_AND_STATIC(form) {
        int status;
        char *argv[] = {"image", (char *)image(form), NULL}, *envp[] = {NULL};
        IN_CHILD(status, {
            struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
            int file = open("locked", O_RDWR | O_CREAT, 0644), self = open(argv[1], O_RDONLY);
            CHECK_EQ(fcntl(file, F_SETLK, &lock), 0);
            CHECK_EQ(flock(self, LOCK_EX | LOCK_NB), 0);
            execve(argv[1], argv, envp);
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
