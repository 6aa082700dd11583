// outer_filter KIND COMMAND...: runs it under a seccomp filter that was there first.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct rule { int nr, error; };

// What the usual container runtimes forbid, and clone3, for which they pretend an old kernel.
static const struct rule container[] = {
    {SYS_clone3, ENOSYS}, {SYS_acct, EPERM}, {SYS_add_key, EPERM}, {SYS_bpf, EPERM}, {SYS_clock_settime, EPERM},
    {SYS_delete_module, EPERM}, {SYS_finit_module, EPERM}, {SYS_init_module, EPERM}, {SYS_ioperm, EPERM}, {SYS_iopl, EPERM},
    {SYS_kcmp, EPERM}, {SYS_keyctl, EPERM}, {SYS_mbind, EPERM}, {SYS_mount, EPERM}, {SYS_move_pages, EPERM},
    {SYS_open_by_handle_at, EPERM}, {SYS_perf_event_open, EPERM}, {SYS_personality, EPERM}, {SYS_pivot_root, EPERM},
    {SYS_process_vm_readv, EPERM}, {SYS_process_vm_writev, EPERM}, {SYS_ptrace, EPERM}, {SYS_reboot, EPERM},
    {SYS_request_key, EPERM}, {SYS_set_mempolicy, EPERM}, {SYS_setns, EPERM}, {SYS_swapon, EPERM}, {SYS_umount2, EPERM},
    {SYS_unshare, EPERM}, {SYS_userfaultfd, EPERM}, {0, 0}};
static const struct rule no_process_vm[] = {
    {SYS_process_vm_readv, ENOSYS}, {SYS_process_vm_writev, ENOSYS}, {SYS_membarrier, ENOSYS}, {0, 0}};
static const struct rule old_kernel[] = {
    {SYS_clone3, ENOSYS}, {SYS_rseq, ENOSYS}, {SYS_membarrier, ENOSYS}, {SYS_faccessat2, ENOSYS}, {SYS_openat2, ENOSYS},
    {SYS_close_range, ENOSYS}, {SYS_pidfd_open, ENOSYS}, {SYS_memfd_create, ENOSYS}, {SYS_getrandom, ENOSYS},
    {SYS_statx, ENOSYS}, {SYS_pkey_mprotect, ENOSYS}, {SYS_prlimit64, ENOSYS}, {0, 0}};
static const struct rule no_seccomp[] = {{SYS_seccomp, EPERM}, {0, 0}};
static const struct rule no_dispatch[] = {{0, 0}}; // but for prctl's below
static const struct rule no_arm[] = {{SYS_seccomp, EPERM}, {0, 0}}; // neither
static const struct rule no_exec_check[] = {{0, 0}}; // but for one more below
static const struct rule harmless[] = {{0, 0}};
static const struct { const char *name; const struct rule *rules; } kinds[] = {
    {"container", container}, {"no_process_vm", no_process_vm}, {"old_kernel", old_kernel}, {"no_seccomp", no_seccomp},
    {"no_dispatch", no_dispatch}, {"no_arm", no_arm},
    {"no_exec_check", no_exec_check}, {"harmless", harmless}};

int main(int argc, char **argv) {
    const struct rule *rules = NULL;
    for (size_t k = 0; argc > 2 && k < sizeof kinds / sizeof *kinds; k++)
        if (!strcmp(argv[1], kinds[k].name)) rules = kinds[k].rules;
    if (!rules) return 2;
    struct sock_filter code[200];
    unsigned short n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (const struct rule *rule = rules; rule->error; rule++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)rule->nr, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)rule->error);
    }
    if (rules == no_seccomp) { // nor by prctl
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    if (rules == no_dispatch || rules == no_arm) { // PR_SET_SYSCALL_USER_DISPATCH
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 59, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    if (rules == no_exec_check) { // execveat knows no AT_EXECVE_CHECK
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 3);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4]));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10000, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {n, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("outer_filter");
        return 77;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
