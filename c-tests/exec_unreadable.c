// arm: seccomp
// static: yes
// A program that its user may execute and not read (mode 0111): under the library EACCES, and no
// crash, as we have to read what we load. Root reads everything.
#include "exec.h"

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 3;
    know_self(argv);
    int refused = interposed() && geteuid() != 0;
    char *arguments[] = {"program", image_word(), NULL};
    copy_file(self, "program", 0111);
    struct tiny elf = tiny_elf(NULL);
    elf.load.p_vaddr = 0x20000000;
    elf.header.e_entry += 0x10000000;
    write_file("interpreter", &elf, sizeof elf, 0111);
    elf = tiny_elf("interpreter");
    write_file("tiny", &elf, sizeof elf, 0755);
    if (refused) {
        EXEC_FAILS("program", EACCES);
        EXEC_FAILS("tiny", EACCES);
    } else {
        RUNS_TO(3, execv("program", arguments));
        RUNS(execv("tiny", arguments));
    }
    CHECK_EQ(chmod("program", 0555), 0);
    RUNS_TO(3, execv("program", arguments));
    // Not executable is not executable.
    CHECK_EQ(chmod("program", 0444), 0);
    EXEC_FAILS("program", EACCES);
    PASS();
}
