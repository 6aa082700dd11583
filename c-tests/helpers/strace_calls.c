// Makes the same few calls for each byte that it reads, until the end of its input; with an argument beside a
// thread that does the same for what it reads from descriptor 8. For strace_as_natively.sh.
#include "../check.h"
#include <pthread.h>

static void rounds(int from) {
    char byte, line[] = "round ?\n";
    while (read(from, &byte, 1) == 1) {
        line[6] = byte;
        CHECK(getsid(0) >= 0);
        CHECK_ERR(open("/nonexistent", O_RDONLY | O_CLOEXEC), ENOENT);
        void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(page != MAP_FAILED);
        CHECK_EQ(munmap(page, 4096), 0);
        pid_t pid = fork();
        if (!pid) _exit(3);
        int status;
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK_EQ(status, 3 << 8);
        CHECK_EQ(write(1, line, sizeof line - 1), (long)sizeof line - 1);
    }
}

static void *beside(void *nothing) {
    rounds(8);
    return nothing;
}

int main(int argc, char **argv) {
    (void)argv;
    pthread_t thread;
    if (argc > 1) CHECK_EQ(pthread_create(&thread, NULL, beside, NULL), 0);
    rounds(0);
    if (argc > 1) CHECK_EQ(pthread_join(thread, NULL), 0);
    return 0;
}
