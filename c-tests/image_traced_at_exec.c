// Shows that a traced child (PTRACE_TRACEME) stops with SIGTRAP at its exec; its tracer then reads
// argc and the arguments from its stack and from /proc, and lets it run to its end.
// static: yes
// forms: pie static
#include "image.h"
#include "proc_file.h"
#include <sys/ptrace.h>
#include <sys/user.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    CHECK(argc == 3 && argv[3] == NULL);
    return 42;
}
#else
static unsigned long peek(pid_t child, unsigned long address) {
    errno = 0;
    unsigned long word = ptrace(PTRACE_PEEKDATA, child, address, NULL);
    CHECK_EQ(errno, 0);
    return word;
}

int main(void) {
    DYNAMIC_AND_STATIC(form) {
        int status;
        char path[64], *argv[] = {"image", "", "third", NULL}, *envp[] = {"A=1", NULL};
        pid_t child = fork();
        if (child == 0) {
            CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
            execve(image(form), argv, envp);
            _exit(126);
        }
        // Under the library its own signals may come first.
        for (;;) {
            siginfo_t info;
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK(WIFSTOPPED(status));
            if (WSTOPSIG(status) == SIGTRAP && ptrace(PTRACE_GETSIGINFO, child, NULL, &info) == 0 && info.si_code == SI_USER) break;
            CHECK(WSTOPSIG(status) == SIGSYS || WSTOPSIG(status) == SIGILL);
            CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, WSTOPSIG(status)), 0);
        }
        struct user_regs_struct registers;
        CHECK_EQ(ptrace(PTRACE_GETREGS, child, NULL, &registers), 0);
        CHECK_EQ(peek(child, registers.rsp), 3);
        for (int argument = 0; argument < 4; argument++) {
            unsigned long at = peek(child, registers.rsp + 8 + 8 * argument);
            CHECK_EQ(at != 0, argument < 3);
            unsigned long word = at ? peek(child, at) : 0;
            if (at) CHECK(!strncmp((char *)&word, argv[argument], 5));
        }
        size_t length;
        snprintf(path, sizeof path, "/proc/%d/cmdline", child);
        CHECK(!memcmp(whole_file(path, &length), "image\0\0third", 13));
        CHECK_EQ(length, 13);
        CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
        for (;;) {
            CHECK_EQ(waitpid(child, &status, 0), child);
            if (WIFEXITED(status)) break;
            CHECK(WIFSTOPPED(status) && (WSTOPSIG(status) == SIGSYS || WSTOPSIG(status) == SIGILL));
            CHECK_EQ(ptrace(PTRACE_CONT, child, NULL, WSTOPSIG(status)), 0);
        }
        CHECK_EQ(WEXITSTATUS(status), 42);
    }
    PASS();
}
#endif
