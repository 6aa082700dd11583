// Shows that programs start under limits that suffice natively: 24 MB of address space, 4 MB of data,
// 128 KB of stack, no locked memory, no new processes, no file growth.
// (The stat tool's ledger is address space too.)
// forms: pie static
// modes: native trap rewrite fallback command command-trap
#include "image.h"
#include <sys/resource.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    CHECK(argc == 2);
    SHOW("  %s", argv[1]);
    return 0;
}
#else
int main(void) {
    struct { const char *what; int resource; unsigned long limit; } cases[] = {
        {"address space", RLIMIT_AS, 24 << 20}, {"data", RLIMIT_DATA, 4 << 20}, {"stack", RLIMIT_STACK, 128 << 10},
        {"locked memory", RLIMIT_MEMLOCK, 0},   {"processes", RLIMIT_NPROC, 0},   {"file size", RLIMIT_FSIZE, 0},
        {"core size", RLIMIT_CORE, 0},          {"signals", RLIMIT_SIGPENDING, 0},
    };
    const char *forms[] = {"pie", "static"};
    for (int n = 0; n < 8; n++)
        for (int m = 0; m < 2; m++) {
            int status;
            char *argv[] = {"image", (char *)cases[n].what, NULL}, *envp[] = {NULL};
            // To a pipe: a file could not grow.
            int pipes[2];
            char text[64] = {0};
            CHECK_EQ(pipe(pipes), 0);
            IN_CHILD(status, {
                struct rlimit limit = {cases[n].limit, cases[n].limit};
                dup2(pipes[1], 1);
                CHECK_EQ(setrlimit(cases[n].resource, &limit), 0);
                execve(image(forms[m]), argv, envp);
                perror(cases[n].what);
            });
            close(pipes[1]);
            if (status) fprintf(stderr, "%s, %s: wait status %#x\n", forms[m], cases[n].what, status);
            CHECK_EQ(status, 0);
            CHECK(read(pipes[0], text, sizeof text - 1) > 0);
            printf("%s", text);
            close(pipes[0]);
        }
    PASS();
}
#endif
