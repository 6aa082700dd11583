// static: yes
// 32-bit programs (i386) run: by path and descriptor, as an interpreter of scripts, after vfork and
// posix_spawn. What the kernel refuses of them is refused the same way.
#include "image32.h"

int main(void) {
    want_32_bit_images();
    struct tiny32 elf = saying32("hello from 32 bits\n", 7), bad;
    write_file("program", &elf, sizeof elf, 0755);
    char *arguments[] = {"program", NULL};
    for (int i = 0; i < 5; i++) RUNS_TO(7, execv("program", arguments));
    int fd = open("program", O_RDONLY | O_CLOEXEC);
    RUNS_TO(7, syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH));
    CHECK_EQ(close(fd), 0);
    write_text("script", "#!program\n", 0755);
    RUNS_TO(7, execv("script", arguments));
    pid_t child;
    int status;
    CHECK_EQ(posix_spawn(&child, "program", NULL, NULL, arguments, environ), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 7 << 8);
    child = vfork();
    if (child == 0) {
        execv("program", arguments);
        _exit(1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 7 << 8);

    write_file("bad", &elf, sizeof(Elf32_Ehdr), 0755);
    EXEC_FAILS("bad", ENOEXEC);
    write_file("bad", &elf, sizeof elf, 0644);
    EXEC_FAILS("bad", EACCES);
    bad = elf;
    bad.header.e_phentsize = sizeof(Elf64_Phdr);
    write_file("bad", &bad, sizeof bad, 0755);
    EXEC_FAILS("bad", ENOEXEC);
    bad = elf;
    bad.header.e_type = ET_REL;
    write_file("bad", &bad, sizeof bad, 0755);
    EXEC_FAILS("bad", ENOEXEC);
    // With interpreters.
    bad = elf;
    bad.header.e_phnum = 2;
    bad.interp = (Elf32_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct tiny32, text), .p_filesz = 12};
    memcpy(bad.text, "no-such-file", 12);
    bad.text[11] = 0;
    write_file("bad", &bad, sizeof bad, 0755);
    EXEC_FAILS("bad", ENOENT);
    struct tiny wide = tiny_elf(NULL);
    write_file("interpreter", &wide, sizeof wide, 0755);
    memcpy(bad.text, "interpreter", 12);
    write_file("bad", &bad, sizeof bad, 0755);
    EXEC_FAILS("bad", ELIBBAD); // a 64-bit one
    wide = tiny_elf("program");
    write_file("bad", &wide, sizeof wide, 0755);
    EXEC_FAILS("bad", ELIBBAD); // and the other way round
    PASS();
}
