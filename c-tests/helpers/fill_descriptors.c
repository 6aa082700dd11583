// Says how many descriptors can be opened, in a way that is named; then closes them, executes itself and does
// the same again, under the limit and with the limit lowered below all that is open.
#include "../check.h"
#include <sys/resource.h>

int main(int argc, char **argv) {
    CHECK(argc >= 2);
    int first = -1, last = -1, count = 0, fd;
    while ((fd = argv[1][0] == 'o' ? open("/", O_RDONLY) : argv[1][3] == 0 ? dup(0) : fcntl(0, F_DUPFD, 3)) >= 0) {
        if (first < 0) first = fd;
        last = fd;
        count++;
    }
    printf("%s: %d descriptors, the last is %d, errno %d\n", argv[1], count, last, errno);
    fflush(stdout);
    CHECK_EQ(close_range((unsigned)first, ~0u, 0), 0);
    if (argc > 2) {
        struct rlimit limit;
        CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
        printf("limits %ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
        fflush(stdout);
        limit.rlim_cur = 40;
        int status;
        IN_CHILD(status, {
            CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
            execl(argv[0], argv[0], argv[1], NULL);
            _exit(1);
        });
        CHECK_EQ(status, 0);
        execl(argv[0], argv[0], argv[1], NULL);
        return 1;
    }
    return 0;
}
