// static: yes
// A program, interpreter or directory that is not there: ENOENT, or ENOTDIR where a file stands
// in a directory's place.
#include "exec.h"

int main(void) {
    EXEC_FAILS("no-such-file", ENOENT);
    EXEC_FAILS("/no/such/directory/file", ENOENT);
    EXEC_FAILS("", ENOENT);
    unlink("dangling");
    CHECK_EQ(symlink("nowhere", "dangling"), 0);
    EXEC_FAILS("dangling", ENOENT);

    write_text("script", "#!/no/such/interpreter\n", 0755);
    EXEC_FAILS("script", ENOENT);
    write_text("script", "#!no-such-interpreter with an argument\n", 0755);
    EXEC_FAILS("script", ENOENT);
    write_text("script", "#!/bin/sh\r\n", 0755);
    EXEC_FAILS("script", ENOENT);
    write_text("script", "#!dangling\n", 0755);
    EXEC_FAILS("script", ENOENT);

    struct tiny elf = tiny_elf("/no/such/ld.so");
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program", ENOENT);
    elf = tiny_elf("no-such-ld.so"); // relative to the working directory
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program", ENOENT);
    elf = tiny_elf(""); // its one byte is less than the least that the kernel takes
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program", ENOEXEC);

    elf = tiny_elf(NULL);
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program/below", ENOTDIR);
    EXEC_FAILS("program/", ENOTDIR);
    EXEC_FAILS("program/.", ENOTDIR);
    write_text("script", "#!program/below\n", 0755);
    EXEC_FAILS("script", ENOTDIR);
    elf = tiny_elf("program/below");
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program", ENOTDIR);
    PASS();
}
