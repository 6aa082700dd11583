// Shows that a tracer that asks for it gets PTRACE_EVENT_EXEC once per exec, with the process's number,
// and no SIGTRAP besides; by PTRACE_SEIZE and by PTRACE_SETOPTIONS.
// forms: pie static
#include "image.h"
#include <sys/ptrace.h>

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    if (argc == 1) return 42;
    argv[1] = NULL;
    execve(argv[0], argv, envp);
    return 1;
}
#else
// Lets the child run to its end: the number of exec events.
static int events(pid_t child, int *status) {
    int count = 0;
    for (;;) {
        unsigned long message = 0;
        int pass = 0;
        CHECK_EQ(waitpid(child, status, 0), child);
        if (!WIFSTOPPED(*status)) return count;
        if (*status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
            CHECK_EQ(ptrace(PTRACE_GETEVENTMSG, child, NULL, &message), 0);
            CHECK_EQ(message, child);
            count++;
        } else {
            CHECK(WSTOPSIG(*status) != SIGTRAP);
            pass = WSTOPSIG(*status);
            CHECK(pass == SIGSYS || pass == SIGILL); // under the library
        }
        CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, pass), 0);
    }
}

int main(void) {
    const char *forms[] = {"pie", "static"};
    for (int n = 0; n < 4; n++) {
        int status, go[2];
        char byte, *argv[] = {(char *)image(forms[n / 2]), "again", NULL}, *envp[] = {NULL};
        CHECK_EQ(pipe(go), 0);
        pid_t child = fork();
        if (child == 0) {
            if (n % 2) {
                CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
                raise(SIGSTOP);
            }
            CHECK_EQ(read(go[0], &byte, 1), 1);
            execve(argv[0], argv, envp);
            _exit(126);
        }
        if (n % 2) {
            for (;;) {
                CHECK_EQ(waitpid(child, &status, 0), child);
                CHECK(WIFSTOPPED(status));
                if (WSTOPSIG(status) == SIGSTOP) break;
                CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, WSTOPSIG(status)), 0);
            }
            CHECK_EQ(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL), 0);
            CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
        } else if (ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0)
            SKIP("no tracing here");
        CHECK_EQ(write(go[1], "", 1), 1);
        CHECK_EQ(events(child, &status), 2);
        CHECK(WIFEXITED(status));
        CHECK_EQ(WEXITSTATUS(status), 42);
        close(go[0]), close(go[1]);
    }
    PASS();
}
#endif
