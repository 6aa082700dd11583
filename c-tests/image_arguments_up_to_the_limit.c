// Shows that arguments and environment may be as large as natively: a quarter of the stack's limit
// for strings and pointers together (the kernel's rule, fs/exec.c); with more it is E2BIG.
// (Under the library 200 bytes and the file's name less: what the new image has to know.)
// form static: -static -no-pie
#include "image.h"
#include "vectors.h"
#include <sys/resource.h>

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    CHECK(argc > 100 && argv[argc] == NULL && !strcmp(argv[argc - 1], all_bytes(strlen(argv[argc - 1]), 3)));
    CHECK(!strcmp(envp[0], "A=1") && envp[1] == NULL);
    return 0;
}
#else
// The strings of an exec with one argument of that length last: 0, or the error.
static int with_length(size_t length) {
    static char *argv[122], *text, *envp[] = {"A=1", NULL};
    int status;
    if (!text) text = all_bytes(PAGE - 1, 3);
    for (int n = 0; n < 120; n++) argv[n] = text;
    argv[120] = all_bytes(length, 3);
    IN_CHILD(status, {
        execve(image("static"), argv, envp);
        _exit(errno == E2BIG ? 7 : 8);
    });
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(void) {
    struct rlimit limit = {2 << 20, RLIM_INFINITY};
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = 2 << 20;
    CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
    // 512 KB; 121 + 1 pointers; the strings of the arguments, "A=1" and the file's name with their zeros.
    size_t room = (512 << 10) - 122 * 8 - 120 * PAGE - 4 - (strlen(image("static")) + 1);
    CHECK_EQ(with_length(1000), 0);
    CHECK_EQ(with_length(room - 1 - 1024), 0);
    CHECK_EQ(with_length(room - 1 + 512), 7);
    int low = (int)room - 1025, high = (int)room + 511;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (with_length(middle) == 0) low = middle;
        else high = middle;
    }
    int less = (int)room - 1 - low;
    if (less) fprintf(stderr, "%d less\n", less);
    CHECK(less >= 0 && less <= 200 + (int)strlen(image("static")));
    PASS();
}
#endif
