// static: yes
// PR_GET_SECCOMP tells of filters that the application has, or has begun with, in each thread, child and image, and of
// no other.
#include "exec.h"
#include "own_filter.h"
#include "threads.h"

static long told(void) { return raw5(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0); }

static void *look(void *unused) {
    (void)unused;
    return (void *)told();
}

static long told_to_thread(void) { return (long)join_thread(start_thread(look, NULL, 0)); }

static long told_to_child(void) {
    int status;
    IN_CHILD(status, _exit((int)told()));
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return (int)told();
    know_self(argv);
    char *arguments[] = {"program", image_word(), NULL};
    const long first = told();
    for (int filtered = 0; filtered < 2; filtered++) {
        const long wanted = filtered ? 2 : first;
        CHECK_EQ(told(), wanted);
        CHECK_EQ(told_to_thread(), wanted);
        CHECK_EQ(told_to_child(), wanted);
        RUNS_TO((int)wanted, execv(self, arguments));
        decide(SYS_setfsuid, SECCOMP_RET_ERRNO | 99);
    }
    printf("%ld\n", first);
    PASS();
}
