// Where a handler's frame lies, or that there is no room for it, is as natively for every place of
// rsp around both ends of the alternate stack, with and without SA_ONSTACK and SS_AUTODISARM, and
// for stacks that are too small or lie against memory that cannot be written.
#include "check.h"
#include <ucontext.h>
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

enum { SPAN = 32 * PAGE, LOW = 8 * PAGE };
static char *memory; // a guard page at each end of SPAN
static struct result {
    long frame, flags, sp, size, disposition;
    int ran;
} *result;

static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)sig, (void)info;
    // The return address lies below the context.
    result->frame = (char *)context - memory;
    result->flags = c->uc_stack.ss_flags;
    result->sp = c->uc_stack.ss_size ? (char *)c->uc_stack.ss_sp - memory : -1;
    result->size = (long)c->uc_stack.ss_size;
    result->ran++;
    raw1(SYS_exit_group, 0);
}

// Sends the signal with rsp there.
__attribute__((noreturn)) static void send_from(char *rsp, int sig) {
    long pid = raw0(SYS_getpid);
    __asm__ volatile("mov %0, %%rsp\n\tmov $234, %%eax\n\tsyscall\n\tmov $60, %%eax\n\tmov $9, %%edi\n\tsyscall\n\tud2"
                     ::"r"(rsp), "D"(pid), "S"(pid), "d"((long)sig));
    __builtin_unreachable();
}

static void try_it(long low, long size, unsigned stack_flags, int onstack, long rsp) {
    int status;
    memset(result, 0, sizeof *result);
    IN_CHILD(status, {
        stack_t stack = {.ss_sp = memory + low, .ss_size = (size_t)size, .ss_flags = (int)stack_flags};
        if (size) CHECK_EQ(sigaltstack(&stack, NULL), 0);
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (onstack ? SA_ONSTACK : 0)};
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        send_from(memory + rsp, SIGUSR1);
    });
    printf("stack %ld+%ld %x, onstack %d, rsp %ld: ", low, size, stack_flags, onstack, rsp);
    if (result->ran)
        printf("context %ld, uc_stack %ld+%ld %lx, ", result->frame, result->sp, result->size, result->flags);
    if (WIFSIGNALED(status)) printf("signal %d\n", WTERMSIG(status));
    else printf("status %d\n", WEXITSTATUS(status));
}

int main(void) {
    memory = mmap(NULL, SPAN + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK_EQ(mprotect(memory, PAGE, PROT_NONE) | mprotect(memory + SPAN, PAGE, PROT_NONE), 0);
    result = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(result != MAP_FAILED);
    static const long sizes[] = {2048, 3 * PAGE};
    static const long around[] = {-4096, -200, -136, -128, -120, -64, -8, 0, 1, 8, 64, 120, 128, 129, 136, 200, 2047, 2048, 4096};
    enum { AROUND = sizeof around / sizeof *around };
    for (int s = 0; s < 2; s++)
        for (int flags = 0; flags < 2; flags++)
            for (int onstack = 0; onstack < 2; onstack++)
                for (int end = 0; end < 2; end++)
                    for (int i = 0; i < AROUND; i++)
                        try_it(LOW, sizes[s], flags ? SS_AUTODISARM : 0, onstack, LOW + end * sizes[s] + around[i]);
    // The stack begins or ends where nothing can be written.
    for (long size = 2048; size < 6000; size += 104) try_it(PAGE, size, 0, 1, 20 * PAGE);
    for (long low = 0; low <= PAGE; low += 512) try_it(low, 2 * PAGE, 0, 1, 20 * PAGE);
    for (long past = 0; past < PAGE; past += 512) try_it(SPAN - 2 * PAGE + past, 2 * PAGE, 0, 1, 20 * PAGE);
    // No alternate stack, or none asked for, and an ordinary one that ends.
    for (long room = 0; room < 2 * PAGE; room += 264) {
        try_it(0, 0, 0, 1, PAGE + room);
        try_it(LOW, 4 * PAGE, 0, 0, PAGE + room);
    }
    PASS();
}
