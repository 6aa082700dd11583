// static: yes
// A program whose own seccomp filter forbids execveat, or kills for it, may still execve: that we
// execute by execveat is not its filter's business.
#include "exec.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

static void forbid_execveat(unsigned verdict) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, verdict),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void child(unsigned verdict) {
    char *arguments[] = {"program", image_word(), NULL};
    forbid_execveat(verdict);
    if (verdict != SECCOMP_RET_KILL_PROCESS)
        CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, self, arguments, environ, 0), EPERM);
    CHECK_ERR(execv("no-such-file", arguments), ENOENT);
    execv(self, arguments);
    _exit(errno);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 3;
    know_self(argv);
    int status;
    IN_CHILD(status, child(SECCOMP_RET_ERRNO | EPERM));
    CHECK_EQ(status, 3 << 8);
    IN_CHILD(status, child(SECCOMP_RET_KILL_PROCESS));
    CHECK_EQ(status, 3 << 8);
    PASS();
}
