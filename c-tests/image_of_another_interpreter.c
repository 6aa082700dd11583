// Shows what a program's interpreter sees, when it is one of our own: zero registers, argc, AT_BASE
// where it is, AT_ENTRY and AT_PHDR of the program; and that its jump there starts the program.
// form interpreter: -static-pie -fPIE -nostdlib -fno-stack-protector -DINTERPRETER
// form program: -pie -fPIE -nostdlib -fno-stack-protector -Wl,--dynamic-linker=./image_of_another_interpreter.interpreter
// form program-nopie: -no-pie -fno-pie -nostdlib -fno-stack-protector -Wl,--dynamic-linker=./image_of_another_interpreter.interpreter -Wl,--no-as-needed -lc
#include "image.h"

#ifdef IMAGE
#include "bare.h"
#include <elf.h>

static unsigned long value_of(unsigned long *stack, unsigned long key) {
    stack += stack[0] + 2;
    while (*stack++) {}
    while (stack[0] != key && stack[0] != AT_NULL) stack += 2;
    return stack[0] == key ? stack[1] : 0;
}

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

#ifdef INTERPRETER
struct {
    unsigned long rdx, rax, rbx, rbp, rdi;
} found __attribute__((visibility("hidden"), used));
__asm__(".globl _start\n"
        "_start:\n"
        "  mov %rdx, found(%rip)\n"
        "  mov %rax, found+8(%rip)\n"
        "  mov %rbx, found+16(%rip)\n"
        "  mov %rbp, found+24(%rip)\n"
        "  mov %rdi, found+32(%rip)\n"
        "  mov %rsp, %rdi\n"
        "  mov %rsp, %rbx\n"
        "  and $-16, %rsp\n"
        "  call interpret\n"
        "  mov %rbx, %rsp\n"
        "  jmp *%rax\n");
__attribute__((used)) unsigned long interpret(unsigned long *stack) {
    BARE_CHECK((found.rdx | found.rax | found.rbx | found.rbp | found.rdi) == 0);
    BARE_CHECK((uintptr_t)stack % 16 == 0 && stack[0] == 2);
    BARE_CHECK(value_of(stack, AT_BASE) == (unsigned long)&__ehdr_start);
    BARE_CHECK(value_of(stack, AT_ENTRY) != 0 && value_of(stack, AT_PHNUM) != 0);
    BARE_CHECK(((Elf64_Phdr *)value_of(stack, AT_PHDR))->p_type == PT_PHDR);
    bare_say("interpreter\n");
    return value_of(stack, AT_ENTRY);
}
#else
BARE_START
void bare_main(unsigned long *stack) {
    BARE_CHECK(stack[0] == 2 && bare_same((char *)stack[2], "two"));
    BARE_CHECK(value_of(stack, AT_PHDR) == (unsigned long)&__ehdr_start + __ehdr_start.e_phoff);
    BARE_CHECK(value_of(stack, AT_BASE) != 0 && value_of(stack, AT_BASE) != (unsigned long)&__ehdr_start);
    bare_say("program\n");
    bare_exit(0);
}
#endif
#else
#include <libgen.h>

int main(void) {
    char *argv[] = {"image", "two", NULL}, *envp[] = {NULL}, directory[4096];
    CHECK(realpath(image("program"), directory));
    CHECK_EQ(chdir(dirname(directory)), 0);
    CHECK_EQ(run_image("./image_of_another_interpreter.program", argv, envp), 0);
    CHECK_EQ(run_image("./image_of_another_interpreter.program-nopie", argv, envp), 0);
    PASS();
}
#endif
