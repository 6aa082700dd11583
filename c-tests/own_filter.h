// Seccomp filters for the tests of an application's own ones.
#ifndef OWN_FILTER_H
#define OWN_FILTER_H

#include "check.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <ucontext.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define GIVE(verdict) BPF_STMT(BPF_RET | BPF_K, (verdict))
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static MAYBE_UNUSED long install(unsigned flags, struct sock_filter *code, size_t length) {
    struct sock_fprog program = {(unsigned short)length, code};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    return raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

// From now on `number` meets `verdict`, in this thread.
static MAYBE_UNUSED void decide(int number, unsigned verdict) {
    struct sock_filter code[] = {
        LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1), GIVE(verdict), GIVE(SECCOMP_RET_ALLOW),
    };
    CHECK_EQ(install(0, code, LENGTH(code)), 0);
}

// From now on all numbers but these meet `verdict`.
static MAYBE_UNUSED long allow_only(const int *numbers, size_t count, unsigned verdict, unsigned flags) {
    struct sock_filter code[100];
    size_t n = 0;
    code[n++] = (struct sock_filter)LOAD(nr);
    for (size_t i = 0; i < count; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)GIVE(verdict);
    return install(flags, code, n);
}

#endif
