// What the application's own filter leaves to a tracer is shown to one, with number, arguments and the
// filter's data, and goes on as it says; without a tracer it is ENOSYS.
#include "own_filter.h"
#include <sys/ptrace.h>
#include <sys/user.h>

static void rules(void) {
    static const int numbers[] = {SYS_setfsuid, SYS_openat, SYS_dup2, SYS_execve};
    struct sock_filter code[20];
    size_t n = 0;
    code[n++] = (struct sock_filter)LOAD(nr);
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_TRACE | (1000 + (unsigned)i));
    }
    code[n++] = (struct sock_filter)GIVE(SECCOMP_RET_ALLOW);
    CHECK_EQ(install(0, code, n), 0);
}

static void alone(void) {
    static char *none[] = {NULL};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(raw1(SYS_setfsuid, -1), -ENOSYS);
        CHECK_EQ(raw4(SYS_openat, AT_FDCWD, "/", O_RDONLY, 0), -ENOSYS);
        CHECK_EQ(raw2(SYS_dup2, 1, 40), -ENOSYS);
        CHECK_EQ(raw3(SYS_execve, "/bin/true", none, none), -ENOSYS);
    }
}

static void traced(void) {
    static char *none[] = {"true", NULL};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(raw1(SYS_setfsuid, 7), 4711);                               // answered by the tracer
        CHECK_EQ(raw1(SYS_setfsuid, 8), -EUCLEAN);
        CHECK_EQ(raw1(SYS_setfsuid, 9), raw0(SYS_getpid));                   // another number
        CHECK(raw4(SYS_openat, AT_FDCWD, "/no/such/file", O_RDONLY, 0) > 2); // another path
        CHECK_EQ(raw2(SYS_dup2, 1, 40), 40);                                 // let go
    }
    raw3(SYS_execve, "/bin/true", none, none + 1);
    _exit(9);
}

static const char root[] = "/";

static void decide_on_event(pid_t pid, unsigned long data) {
    struct user_regs_struct registers;
    CHECK_EQ(ptrace(PTRACE_GETREGS, pid, 0, &registers), 0);
    switch (registers.orig_rax) {
    case SYS_setfsuid:
        CHECK_EQ(data, 1000);
        registers.orig_rax = registers.rdi == 9 ? SYS_getpid : (unsigned long long)-1;
        registers.rax = registers.rdi == 7 ? 4711 : (unsigned long long)-EUCLEAN;
        break;
    case SYS_openat:
        CHECK_EQ(data, 1001);
        registers.rsi = (unsigned long)root;
        break;
    case SYS_dup2:
        CHECK_EQ(data, 1002);
        CHECK_EQ(registers.rsi, 40);
        return;
    case SYS_execve:
        CHECK_EQ(data, 1003);
        return;
    default: CHECK_EQ(registers.orig_rax, -1);
    }
    CHECK_EQ(ptrace(PTRACE_SETREGS, pid, 0, &registers), 0);
}

int main(void) {
    int status;
    IN_CHILD(status, { rules(); alone(); });
    CHECK_EQ(status, 0);
    int ends[2];
    char byte = 0;
    CHECK_EQ(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK_EQ(read(ends[0], &byte, 1), 1);
        rules();
        traced();
    }
    CHECK_EQ(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL), 0);
    CHECK_EQ(write(ends[1], &byte, 1), 1);
    int events = 0, executed = 0;
    for (;;) {
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        if (!WIFSTOPPED(status)) break;
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_SECCOMP) {
            unsigned long data;
            CHECK_EQ(ptrace(PTRACE_GETEVENTMSG, pid, 0, &data), 0);
            if (!executed) {
                decide_on_event(pid, data);
                executed = data == 1003;
                events++;
            }
            signal = 0;
        }
        CHECK_EQ(ptrace(PTRACE_CONT, pid, 0, signal), 0);
    }
    CHECK_EQ(status, 0);
    printf("%d events\n", events);
    PASS();
}
