// static: yes
// Programs of the x32 ABI: ENOEXEC where the kernel has none, and no crash of the caller anywhere.
#include "image32.h"

int main(void) {
    // mov $0x4000003c,%eax; xor %edi,%edi; syscall
    static const unsigned char code[] = {0xb8, 0x3c, 0, 0, 0x40, 0x31, 0xff, 0x0f, 0x05, 0xf4};
    struct tiny32 elf = tiny_elf32(code, sizeof code);
    elf.header.e_machine = EM_X86_64;
    write_file("program", &elf, sizeof elf, 0755);
    char *argv[] = {"program", NULL};
    if (!interposed() && errno_in_vfork("program", argv, environ) != ENOEXEC) SKIP("x32 programs run here");
    EXEC_FAILS("program", ENOEXEC);
    write_text("script", "#!program\n", 0755);
    EXEC_FAILS("script", ENOEXEC);
    struct tiny wide = tiny_elf("program");
    write_file("wide", &wide, sizeof wide, 0755);
    printf("as an interpreter: %s\n", strerrorname_np(errno_in_vfork("wide", argv, environ)));
    PASS();
}
