// static: yes
// A program, script or interpreter that is open for writing: ETXTBSY, until it is closed.
#include "exec.h"

static void busy(const char *path, const char *program) {
    int fd = open(path, O_WRONLY | O_CLOEXEC), again = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && again >= 0);
    exec_fails(__FILE__, __LINE__, path, program, ETXTBSY);
    CHECK_EQ(close(fd), 0);
    exec_fails(__FILE__, __LINE__, path, program, ETXTBSY);
    // A mapping keeps the descriptor's file open.
    void *at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, again, 0);
    CHECK(at != MAP_FAILED);
    CHECK_EQ(close(again), 0);
    exec_fails(__FILE__, __LINE__, path, program, ETXTBSY);
    CHECK_EQ(munmap(at, PAGE), 0);
    // Open for reading it is not busy.
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    RUNS(execl(program, program, NULL));
    CHECK_EQ(close(fd), 0);
}

int main(void) {
    struct tiny elf = tiny_elf(NULL);
    write_file("program", &elf, sizeof elf, 0755);
    busy("program", "program");
    write_text("script", "#!program\n", 0755);
    busy("script", "script");
    busy("program", "script");
    elf = tiny_elf("interpreter");
    write_file("program", &elf, sizeof elf, 0755);
    elf = tiny_elf(NULL);
    elf.load.p_vaddr = 0x20000000;
    elf.header.e_entry += 0x10000000;
    write_file("interpreter", &elf, sizeof elf, 0755);
    busy("interpreter", "program");
    // A descriptor that another process holds counts too, and one that this image would close.
    int fd = open("program", O_WRONLY | O_CLOEXEC), status;
    CHECK(fd >= 0);
    IN_CHILD(status, {
        execl("program", "program", NULL);
        _exit(errno);
    });
    CHECK_EQ(status, ETXTBSY << 8);
    PASS();
}
