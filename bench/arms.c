// What an arm costs by itself, without the library: preloaded with BENCH_ARM set, it arms the process.
//
//   filter         a seccomp filter of ten steps, as ours has for a call that passes, that allows all calls
//   number         one that looks at the number alone: the kernel then keeps its verdicts in a bitmap
//   dispatch       Syscall User Dispatch, and all addresses allowed
//   filter-trap    the filter traps all calls but those of the gate here; a handler of one line makes them
//   dispatch-trap  the same by Syscall User Dispatch
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

// A call by its number and where its six arguments are; the gate is all of it and the return from signals.
long bench_gate(long number, const greg_t *registers);
extern const char bench_gate_start[], bench_gate_end[];
__asm__(".text\n.p2align 6\nbench_gate_start:\n"
        "bench_gate: mov %rdi, %rax\n mov %rsi, %rcx\n"
        " mov 64(%rcx), %rdi\n mov 72(%rcx), %rsi\n mov 96(%rcx), %rdx\n mov 16(%rcx), %r10\n mov (%rcx), %r8\n mov 8(%rcx), %r9\n"
        " syscall\n ret\n"
        "bench_restorer: mov $15, %eax\n syscall\n nop\nbench_gate_end:\n");
extern void bench_restorer(void);
_Static_assert(REG_R8 == 0 && REG_R9 == 1 && REG_R10 == 2 && REG_RDI == 8 && REG_RSI == 9 && REG_RDX == 12, "as the gate reads them");

static void answer(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RAX] = bench_gate(registers[REG_RAX], registers);
}

static void die(void)
{
    perror("arms");
    _exit(1);
}

// The first and the last address that calls are allowed from, as the kernel reports them.
static void filter(uint64_t first, uint64_t last)
{
    enum { IP = offsetof(struct seccomp_data, instruction_pointer) };
    bool all = first == 0;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 8),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 6, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP + 4),
        BPF_JUMP(BPF_JMP | (all ? BPF_JGE : BPF_JEQ) | BPF_K, first >> 32, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)first, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_filter by_number[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = last ? (struct sock_fprog){sizeof code / sizeof *code, code}
                                     : (struct sock_fprog){sizeof by_number / sizeof *by_number, by_number};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program)) die();
}

static void dispatch(uint64_t start, uint64_t length)
{
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, length, 0)) die();
}

__attribute__((constructor)) static void arm(void)
{
    const char *how = getenv("BENCH_ARM");
    uint64_t start = (uint64_t)bench_gate_start, end = (uint64_t)bench_gate_end;
    if (!how) return;
    if (strstr(how, "-trap")) {
        // The kernel's own structure: libc's sigaction would return through libc's restorer, outside the gate.
        struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } action = {
            answer, SA_SIGINFO | 0x04000000, bench_restorer, 0};
        if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, 8)) die();
    }
    if (!strcmp(how, "filter")) filter(0, UINT32_MAX);
    else if (!strcmp(how, "number")) filter(0, 0);
    else if (!strcmp(how, "dispatch")) dispatch(0, (uint64_t)1 << 47);
    else if (!strcmp(how, "filter-trap")) filter(start + 2, end);
    else if (!strcmp(how, "dispatch-trap")) dispatch(start, end - start);
    else errno = EINVAL, die();
}
