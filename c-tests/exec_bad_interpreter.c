// static: yes
// An ELF interpreter that is none: ELIBBAD, or EIO when it is too short for a header.
#include "exec.h"

// Prints what becomes of a program whose interpreter has these bytes.
static int with_interpreter(const void *bytes, size_t length) {
    write_file("interpreter", bytes, length, 0755);
    char *argv[] = {"program", NULL};
    int status;
    IN_CHILD(status, {
        execve("program", argv, environ);
        _exit(errno);
    });
    if (WIFSIGNALED(status)) return -WTERMSIG(status);
    if (WEXITSTATUS(status)) CHECK_EQ(errno_in_vfork("program", argv, environ), WEXITSTATUS(status));
    return WEXITSTATUS(status);
}

int main(void) {
    struct tiny program = tiny_elf("interpreter"), elf = tiny_elf(NULL);
    write_file("program", &program, sizeof program, 0755);
    elf.load.p_vaddr = 0x20000000; // beside the program
    elf.header.e_entry += 0x10000000;
    CHECK_EQ(with_interpreter(&elf, sizeof elf), 0);
    CHECK_EQ(with_interpreter("", 0), EIO);
    CHECK_EQ(with_interpreter("#!/bin/sh\n", 10), EIO);
    CHECK_EQ(with_interpreter(&elf, sizeof(Elf64_Ehdr) - 1), EIO);
    char text[200] = "#!/bin/sh\n";
    CHECK_EQ(with_interpreter(text, sizeof text), ELIBBAD);
    CHECK_EQ(with_interpreter(&elf, sizeof(Elf64_Ehdr)), ELIBBAD);
    struct tiny bad = elf;
    bad.header.e_machine = EM_AARCH64;
    CHECK_EQ(with_interpreter(&bad, sizeof bad), ELIBBAD);
    bad = elf;
    bad.header.e_machine = EM_386;
    CHECK_EQ(with_interpreter(&bad, sizeof bad), ELIBBAD);
    bad = elf;
    bad.header.e_phentsize = 10;
    CHECK_EQ(with_interpreter(&bad, sizeof bad), ELIBBAD);
    bad = elf;
    bad.header.e_phnum = 0;
    CHECK_EQ(with_interpreter(&bad, sizeof bad), ELIBBAD);
    // What is found out too late kills.
    bad = elf;
    bad.header.e_type = ET_REL;
    printf("relocatable: %d\n", with_interpreter(&bad, sizeof bad));
    bad = elf;
    bad.load.p_type = PT_NOTE;
    printf("nothing to load: %d\n", with_interpreter(&bad, sizeof bad));
    bad = elf;
    bad.load.p_vaddr = 0x10000000;
    printf("over the program: %d\n", with_interpreter(&bad, sizeof bad));
    // The interpreter's own interpreter is not looked for.
    bad = tiny_elf("no-such-file");
    bad.load.p_vaddr = 0x20000000;
    bad.header.e_entry += 0x10000000;
    CHECK_EQ(with_interpreter(&bad, sizeof bad), 0);
    PASS();
}
