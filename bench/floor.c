// What a trap costs by itself, without the library: getpid and an unknown number under a seccomp filter that
// looks at the instruction pointer; a handler of one line makes the call from the address that is allowed.
//
//   floor CALLS      prints `trapped NS`, `trapped-500 NS`
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

// A number and three arguments, which do for what this program calls; the gate is the whole function.
long gate(long number, long a, long b, long c);
extern const char gate_end[];
__asm__(".text\n.p2align 6\ngate: mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n"
        " syscall\n ret\n"
        "restorer: mov $15, %eax\n syscall\ngate_end:\n");
extern void restorer(void);

static void answer(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    regs[REG_RAX] = gate(regs[REG_RAX], regs[REG_RDI], regs[REG_RSI], regs[REG_RDX]);
}

static void arm(void)
{
    uint64_t start = (uint64_t)gate, end = (uint64_t)gate_end;
    enum { IP = offsetof(struct seccomp_data, instruction_pointer) };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, start >> 32, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)start, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)end, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    // The kernel's own structure: libc's sigaction would return through libc's restorer, outside the gate.
    struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } action = {
        answer, SA_SIGINFO | 0x04000000, restorer, 0};
    if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, 8) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program)) {
        perror("floor");
        exit(1);
    }
}

static long trapped(long number)
{
    __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
    return number;
}

static double measure(long number, long calls)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < calls; i++) trapped(number);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / calls;
}

int main(int argc, char **argv)
{
    long calls = argc > 1 ? atol(argv[1]) : 10000;
    arm();
    printf("trapped %.2f\n", measure(SYS_getpid, calls));
    printf("trapped-500 %.2f\n", measure(500, calls));
    fflush(stdout);
    _exit(0);
}
