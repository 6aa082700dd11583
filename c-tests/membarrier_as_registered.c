// What a process has registered itself for with membarrier(2) is what it has registered, and no more; also in a child.
#include "check.h"
#include <linux/membarrier.h>

enum { GET_REGISTRATIONS = 1 << 9, PRIVATE = 1 << 3, CORE = 1 << 5, RSEQ = 1 << 7 };
#define TRY(...)                                                          \
    do {                                                                  \
        long result_ = syscall(SYS_membarrier, __VA_ARGS__);              \
        printf(#__VA_ARGS__ ": %ld %d\n", result_, result_ < 0 ? errno : 0); \
    } while (0)

static void try_all(void) {
    TRY(GET_REGISTRATIONS, 0, 0);
    TRY(CORE, 0, 0);
    TRY(CORE, 1, 0);
    TRY(PRIVATE, 0, 0);
    TRY(RSEQ, 0, 0);
    TRY(1 << 30, 0, 0);
}

static void try_in_child(void) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        try_all();
        PASS();
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

int main(void) {
    for (int i = 0; i < 4; i++) {
        try_all();
        try_in_child();
        TRY((int[]){1 << 4, 1 << 8, 1 << 6, 1 << 2}[i], 0, 0);
    }
    try_all();
    PASS();
}
