// A vfork child has descriptors of its own: whatever numbers it takes or closes there, it can execute
// programs, and so can its parent.
#include "exec.h"
#include <sys/resource.h>

enum { HIGHEST = 6000 };

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    char *arguments[] = {self, image_word(), NULL};
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < 3; i++) {
        pid_t child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            for (int fd = 900; fd < HIGHEST; fd++) dup2(1, fd);
            for (int fd = 900; i == 1 && fd < HIGHEST; fd++) close(fd);
            if (i < 2) execv(self, arguments);
            _exit(i < 2 ? 1 : 0);
        }
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        RUNS(execv(self, arguments));
        RUNS(execv("/proc/self/exe", arguments));
    }
    PASS();
}
