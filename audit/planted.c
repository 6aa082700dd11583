// What the audit must see: a program with a gate of its own, a filter, and calls of every kind whose numbers it
// knows. It names its gate as the library does, so that the tracer takes it for the library too
// (`audit --library planted --base 0 -- planted I386`).
//
// Prints `trapped N`, `missed N`, `vsyscall N`, `native_32 N`.
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { MISSED_LOOP = 1000, VSYSCALLS = 3, NATIVE_32 = 2, VSYSCALL_TIME = 0xff600400 };

// The gate, and a hole in the filter that it does not know of. Both take what a system call takes, in its registers.
long gate(long number, long a, long b, long c);
long hole(long number, long a, long b, long c);
extern const char usertrap_gate_start[], usertrap_gate_end[], hole_start[], hole_end[];
extern void restorer(void);
#define CALL "mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n syscall\n ret\n"
__asm__(".text\n.p2align 6\n.globl usertrap_gate_start, usertrap_gate_end\n"
        "usertrap_gate_start:\ngate: " CALL "restorer: mov $15, %eax\n syscall\nusertrap_gate_end:\n"
        ".p2align 6\nhole_start:\nhole: " CALL "hole_end:\n");

static struct { int trapped, missed; } *shared; // by the whole tree

static void answer(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info;
    __atomic_add_fetch(&shared->trapped, 1, __ATOMIC_RELAXED);
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    register long r10 __asm__("r10") = regs[REG_R10];
    register long r8 __asm__("r8") = regs[REG_R8];
    register long r9 __asm__("r9") = regs[REG_R9];
    long number = regs[REG_RAX], a = regs[REG_RDI], b = regs[REG_RSI], c = regs[REG_RDX];
    long result = number;
    __asm__ volatile("sub $128, %%rsp\n\tcall gate\n\tadd $128, %%rsp" // the red zone
                      : "=a"(result), "+D"(number), "+S"(a), "+d"(b), "+c"(c)
                     : "r"(r10), "r"(r8), "r"(r9) : "r11", "memory");
    regs[REG_RAX] = result;
}

static void arm(void)
{
    uint64_t vsyscall = 0xffffffffff600000, ranges[3][2] = {
        {(uint64_t)usertrap_gate_start, (uint64_t)usertrap_gate_end},
        {(uint64_t)hole_start, (uint64_t)hole_end},
        {vsyscall, vsyscall + 4095}};
    enum { IP = offsetof(struct seccomp_data, instruction_pointer) };
    struct sock_filter code[32] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), // 32-bit images
    };
    int length = 3;
    for (int i = 0; i < 3; i++) {
        struct sock_filter range[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP + 4),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ranges[i][0] >> 32, 0, 4),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP),
            BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)ranges[i][0], 0, 2),
            BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)ranges[i][1], 1, 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        memcpy(code + length, range, sizeof range);
        length += sizeof range / sizeof *range;
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {length, code};
    struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } action = {
        answer, SA_SIGINFO | SA_NODEFER | 0x04000000, restorer, 0};
    if (syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, 8) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program)) {
        perror("planted");
        exit(1);
    }
}

static void miss(long number, long argument)
{
    __atomic_add_fetch(&shared->missed, 1, __ATOMIC_RELAXED);
    hole(number, argument, 0, 0);
}

static void child_of(pid_t pid)
{
    if (pid < 0 || waitpid(pid, NULL, 0) < 0) exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    arm();
    for (int i = 0; i < 100; i++) getppid();                 // trapped
    for (int i = 0; i < MISSED_LOOP; i++) miss(SYS_getppid, 0);
    for (int i = 0; i < VSYSCALLS; i++) ((time_t(*)(time_t *))(intptr_t)(int)VSYSCALL_TIME)(NULL);

    pid_t pid = fork();                                      // ends from the hole
    if (pid == 0) miss(SYS_exit_group, 3);
    child_of(pid);
    pid = fork();                                            // dies by a signal that a missed call sends
    if (pid == 0) {
        __atomic_add_fetch(&shared->missed, 1, __ATOMIC_RELAXED);
        hole(SYS_kill, gate(SYS_getpid, 0, 0, 0), SIGKILL, 0);
    }
    child_of(pid);
    pid = fork();                                            // a failed exec and a stop, missed
    if (pid == 0) {
        __atomic_add_fetch(&shared->missed, 2, __ATOMIC_RELAXED);
        hole(SYS_execve, (long)"/nowhere", 0, 0);
        hole(SYS_kill, gate(SYS_getpid, 0, 0, 0), SIGSTOP, 0);
        _exit(0);
    }
    int status;
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) return 1;
    kill(pid, SIGCONT);
    child_of(pid);
    pid = fork();                                            // a 32-bit image, by a missed exec
    if (pid == 0) {
        char *const nothing[] = {argv[1], NULL};
        __atomic_add_fetch(&shared->missed, 1, __ATOMIC_RELAXED);
        hole(SYS_execve, (long)argv[1], (long)nothing, (long)nothing);
        _exit(1);
    }
    child_of(pid);
    shared->missed++; // the end
    char text[200];
    int length = snprintf(text, sizeof text, "trapped %d\nmissed %d\nvsyscall %d\nnative_32 %d\n", shared->trapped,
                          shared->missed, VSYSCALLS, NATIVE_32);
    gate(SYS_write, 1, (long)text, length);
    hole(SYS_exit_group, 0, 0, 0);
}
