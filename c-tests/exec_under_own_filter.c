// static: yes
// Programs that have a seccomp filter of their own, which forbids calls that they do not make
// themselves, execute others as ever; those live under the filter too.
#include "exec.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

// From now on `number` fails with ENOSYS.
static void forbid(int number) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        CHECK_ERR(syscall(atoi(argv[2]), -1, -1, -1, -1, -1, -1), ENOSYS);
        return 3;
    }
    know_self(argv);
    static const int numbers[] = {SYS_memfd_create, SYS_getrandom, SYS_ptrace, SYS_seccomp, SYS_membarrier, SYS_socket};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char number[20];
        sprintf(number, "%d", numbers[i]);
        char *arguments[] = {"program", image_word(), number, NULL};
        RUNS_TO(3, (forbid(numbers[i]), execv(self, arguments)));
    }
    PASS();
}
