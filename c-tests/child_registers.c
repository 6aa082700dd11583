// Shows that a child of fork, vfork, clone and clone3, on its parent's stack or on its own, starts
// with the registers, vectors and flags that the parent had at the call, and rax 0.
#include "clone.h"

enum { TIMES = 20, STACK = 16384 };

static struct regs *child_regs;
static unsigned char *text;
static uint64_t *stack;

// pop %r15 (vfork's child may overwrite the return address); mov $nr,%eax; syscall; push %r15; ret
static size_t emit_fork(unsigned char *at, int nr, int plain) {
    if (plain) {
        emit_call(at, nr);
        return 7;
    }
    memcpy(at, "\x41\x5f", 2);
    emit_call(at + 2, nr);
    memcpy(at + 9, "\x41\x57\xc3", 3);
    return 9;
}

static void one(const char *name, size_t at, int pops, const struct regs *arguments, size_t length) {
    struct regs in, out;
    for (int n = 0; n < TIMES; n++) {
        pattern_regs(&in, (uint64_t)n);
        in.rdi = arguments->rdi, in.rsi = arguments->rsi, in.rdx = arguments->rdx;
        in.r10 = arguments->r10, in.r8 = arguments->r8;
        memset(child_regs, 0, sizeof *child_regs);
        stack[0] = (uintptr_t)fork_with_return;
        stack[1] = (uintptr_t)child_regs;
        fork_with(text + at, &in, &out, child_regs);
        CHECK((long)out.rax > 0);
        int status;
        CHECK_EQ(waitpid((pid_t)out.rax, &status, __WALL), (pid_t)out.rax);
        CHECK_EQ(status, 0);
        CHECK_EQ(child_regs->rax, 0);
        if (pops) in.r15 = out.r15;
        check_regs(&in, &out, text + at + length);
        check_regs(&in, child_regs, text + at + length);
    }
    puts(name);
}

int main(void) {
    child_regs = shared_memory(PAGE);
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    int numbers[] = {SYS_fork, SYS_vfork, SYS_clone, SYS_clone3};
    size_t lengths[8];
    for (int i = 0; i < 8; i++) {
        memset(bytes + 100 + i * 100 - 16, 0x90, 16);
        lengths[i] = emit_fork(bytes + 100 + i * 100, numbers[i % 4], i < 4);
    }
    text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    unsigned char *low = shared_memory(STACK);
    stack = (uint64_t *)(low + STACK - 64);

    struct regs none = {0};
    one("fork", 100, 0, &none, lengths[0]);
    one("vfork", 600, 1, &none, lengths[5]);
    one("clone", 300, 0, &(struct regs){.rdi = SIGCHLD}, lengths[2]);
    one("clone as vfork", 700, 1, &(struct regs){.rdi = CLONE_VM | CLONE_VFORK | SIGCHLD}, lengths[6]);
    one("clone, own stack", 300, 0, &(struct regs){.rdi = SIGCHLD, .rsi = (uintptr_t)stack}, lengths[2]);
    one("clone, own stack, shared memory", 300, 0, &(struct regs){.rdi = CLONE_VM | SIGCHLD, .rsi = (uintptr_t)stack}, lengths[2]);
    one("clone, own stack, vfork", 300, 0, &(struct regs){.rdi = CLONE_VM | CLONE_VFORK | SIGCHLD, .rsi = (uintptr_t)stack}, lengths[2]);
    struct clone_args plain = {.exit_signal = SIGCHLD};
    one("clone3", 400, 0, &(struct regs){.rdi = (uintptr_t)&plain, .rsi = 64}, lengths[3]);
    struct clone_args own = {.flags = CLONE_VM, .exit_signal = SIGCHLD, .stack = (uintptr_t)low, .stack_size = STACK - 64};
    one("clone3, own stack, shared memory", 400, 0, &(struct regs){.rdi = (uintptr_t)&own, .rsi = sizeof own}, lengths[3]);
    own.flags = CLONE_VM | CLONE_VFORK;
    one("clone3, own stack, vfork", 400, 0, &(struct regs){.rdi = (uintptr_t)&own, .rsi = sizeof own}, lengths[3]);
    PASS();
}
