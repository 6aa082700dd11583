// Shows that nothing above the child's stack pointer is written when it starts, nor the red zone
// below it, on stacks aligned or not, down to the last byte of a mapping.
#include "clone.h"

enum { STACK = 16384 };

// The child's first and only act is to end; it touches no stack.
long clone_and_exit(long flags, void *stack);
__asm__(".text\n.type clone_and_exit,@function\n.local clone_and_exit\n"
        "clone_and_exit:\n  .cfi_startproc\n"
        "  xor %edx,%edx\n  xor %r10d,%r10d\n  xor %r8d,%r8d\n"
        "  mov $56,%eax\n  syscall\n"
        "  test %rax,%rax\n  jz 1f\n  ret\n"
        "1: mov $39,%eax\n  syscall\n"
        "  mov $7,%edi\n  mov $60,%eax\n  syscall\n  hlt\n"
        "  .cfi_endproc\n.size clone_and_exit,.-clone_and_exit\n");

int main(void) {
    unsigned char *room = mmap(NULL, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(room != MAP_FAILED);
    CHECK_EQ(mprotect(room + STACK, PAGE, PROT_NONE), 0); // the stack may start at the very end
    static const long flags[] = {SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGCHLD};
    for (size_t f = 0; f < sizeof flags / sizeof *flags; f++)
        for (int distance = 0; distance < 80; distance += distance < 20 ? 1 : 20) {
            for (int i = 0; i < STACK; i++) room[i] = (unsigned char)(i * 7 + distance);
            long pid = clone_and_exit(flags[f], room + STACK - distance);
            CHECK(pid > 0);
            int status;
            CHECK_EQ(waitpid((pid_t)pid, &status, __WALL), pid);
            CHECK(WIFEXITED(status));
            CHECK_EQ(WEXITSTATUS(status), 7);
            for (int i = STACK - distance - 128; i < STACK; i++) CHECK_EQ(room[i], (unsigned char)(i * 7 + distance));
        }
    PASS();
}
