// arm: seccomp
// static: yes
// A 32-bit program executes others. Its calls are not ours: under the library 32-bit programs follow it
// as natively; a 64-bit one would start without us, and SIGSYS ends it at its first call (a limit).
#include "image32.h"

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 3;
    know_self(argv);
    want_32_bit_images();
    // execve(argv[1], argv + 1, NULL); exit(-eax)
    static const unsigned char code[] = {
        0xb8, 11, 0, 0, 0,                                  // mov $11,%eax
        0x8b, 0x5c, 0x24, 8,                                // mov 8(%esp),%ebx
        0x8d, 0x4c, 0x24, 8,                                // lea 8(%esp),%ecx
        0x31, 0xd2, 0xcd, 0x80,                             // xor %edx,%edx; int $0x80
        0xf7, 0xd8, 0x89, 0xc3, 0xb8, 1, 0, 0, 0, 0xcd, 0x80, // neg %eax; mov %eax,%ebx; mov $1,%eax; int $0x80
    };
    struct tiny32 elf = tiny_elf32(code, sizeof code);
    write_file("program", &elf, sizeof elf, 0755);
    RUNS_TO(ENOENT, execl("program", "program", "no-such-file", NULL));
    struct tiny32 last = saying32("", 7);
    write_file("last", &last, sizeof last, 0755);
    RUNS_TO(7, execl("program", "program", "last", NULL));
    RUNS_TO(7, execl("program", "program", "program", "last", NULL));
    int status;
    IN_CHILD(status, {
        execl("program", "program", self, image_word(), NULL);
        _exit(errno);
    });
    CHECK_EQ(status, interposed() ? SIGSYS : 3 << 8);
    PASS();
}
