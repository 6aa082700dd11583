// also: vetted
// Crash handlers get trap number, error code, address and registers of the fault as natively, and what follows on
// them ends the process as natively: SA_RESETHAND and a raise, a return to the fault, the default set and a raise.
#include "threads.h"
#include <ucontext.h>

static char *read_only, *beyond, stack[65536];
static int then;

static void handler(int sig, siginfo_t *info, void *context) {
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    int of_fault = info->si_code > 0;
    long cr2 = g[REG_TRAPNO] == 14 ? g[REG_CR2] : 0;
    const char *where = cr2 == (long)read_only ? "read-only" : cr2 == (long)beyond ? "beyond" : cr2 == g[REG_RIP] ? "rip" : "";
    printf("signal %d code %d trapno %lld err %#llx cr2 %s%s rbx %#llx r15 %#llx rflags %#llx addr is %s\n", sig, info->si_code,
           g[REG_TRAPNO], g[REG_ERR], where, *where ? "" : cr2 ? "other" : "0", of_fault ? g[REG_RBX] : 0, of_fault ? g[REG_R15] : 0,
           g[REG_EFL] & 0x10cd5, // with RF
           info->si_addr == (void *)cr2 ? "cr2" : info->si_addr == (void *)g[REG_RIP] ? "rip" : info->si_addr ? "other" : "0");
    fflush(stdout);
    if (then == 1) raise(sig); // under SA_RESETHAND, blocked until we return
    if (then == 2) {
        signal(sig, SIG_DFL);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, sig);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        raise(sig);
    }
    if (then == 3) signal(sig, SIG_DFL); // and the fault comes again
    if (then == 4) syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, info);
}

#define WITH_REGISTERS(code, ...)                                                                         \
    __asm__ volatile("mov $0x1234, %%ebx\n mov $0x5678, %%r15d\n xor %%ecx, %%ecx\n" code ::__VA_ARGS__ \
                     : "rax", "rbx", "rcx", "rdx", "r15", "memory")

static void *crash(void *how) {
    switch ((long)how) {
    case 0: WITH_REGISTERS("movl $1, 8"); break;
    case 1: WITH_REGISTERS("movb $1, (%0)", "r"(read_only)); break;
    case 2: WITH_REGISTERS("movb (%0), %%al", "r"(0x8000000000000000)); break;
    case 3: WITH_REGISTERS("call *%0", "r"(0x10l)); break;
    case 4: WITH_REGISTERS("movb (%0), %%al", "r"(beyond)); break;
    case 5: WITH_REGISTERS("mov $1, %%eax\n cltd\n idivl %%ecx", "r"(0l)); break;
    case 6: WITH_REGISTERS("ud2"); break;
    case 7: WITH_REGISTERS("hlt"); break;
    case 8: abort();
    case 9: raise(SIGSEGV); break;
    }
    return NULL;
}

int main(void) {
    read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = memfd_create("empty", 0);
    beyond = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(read_only != MAP_FAILED && beyond != MAP_FAILED);
    for (long how = 0; how < 10; how++)
        for (then = 0; then < 5; then++)
            for (int in = 0; in < 3; in++) { // the main thread, another, a vfork child
                int status;
                IN_CHILD(status, {
                    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
                    if (then == 1 || then == 4) action.sa_flags |= SA_RESETHAND;
                    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
                    sigaltstack(&own, NULL);
                    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
                    for (int i = 0; i < 5 && then; i++) sigaction(signals[i], &action, NULL);
                    int ended = 0;
                    if (in == 0) crash((void *)how);
                    else if (in == 1) join_thread(start_thread(crash, (void *)how, 0));
                    else if (vfork() == 0) {
                        crash((void *)how);
                        _exit(3);
                    } else {
                        wait(&ended);
                        printf("vfork child: %#x\n", ended);
                        fflush(stdout);
                    }
                });
                printf("%ld then %d in %d: %#x\n", how, then, in, status);
            }
    PASS();
}
