// Programs of 32-bit code (i386), made without a 32-bit compiler.
#ifndef IMAGE32_H
#define IMAGE32_H
#include "exec.h"

enum { BASE32 = 0x08048000 };

struct tiny32 {
    Elf32_Ehdr header;
    Elf32_Phdr load, interp;
    unsigned char code[96];
    char text[256];
};

// The code is what follows the headers; its first instruction is the entry. `text` lies at TEXT32.
#define TEXT32 (BASE32 + (int)offsetof(struct tiny32, text))
static MAYBE_UNUSED struct tiny32 tiny_elf32(const void *code, size_t length) {
    struct tiny32 elf = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_386,
                   .e_version = EV_CURRENT,
                   .e_entry = BASE32 + offsetof(struct tiny32, code),
                   .e_phoff = offsetof(struct tiny32, load),
                   .e_ehsize = sizeof(Elf32_Ehdr),
                   .e_phentsize = sizeof(Elf32_Phdr),
                   .e_phnum = 1},
        .load = {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_W | PF_X,
                 .p_vaddr = BASE32,
                 .p_paddr = BASE32,
                 .p_filesz = sizeof(struct tiny32),
                 .p_memsz = sizeof(struct tiny32),
                 .p_align = PAGE},
    };
    CHECK(length <= sizeof elf.code);
    memcpy(elf.code, code, length);
    return elf;
}

// write(1, text, strlen(text)); exit(status)
static MAYBE_UNUSED struct tiny32 saying32(const char *text, unsigned char status) {
    unsigned char code[] = {
        0xb8, 4, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0xba, (unsigned char)strlen(text), 0, 0, 0, 0xcd, 0x80, // write
        0xb8, 1, 0, 0, 0, 0xbb, status, 0, 0, 0, 0xcd, 0x80,                                                          // exit
    };
    int address = TEXT32;
    memcpy(code + 11, &address, 4);
    struct tiny32 elf = tiny_elf32(code, sizeof code);
    strcpy(elf.text, text);
    return elf;
}

static MAYBE_UNUSED void want_32_bit_images(void) {
    struct tiny32 elf = saying32("", 0);
    write_file("probe32", &elf, sizeof elf, 0755);
    char *argv[] = {"probe32", NULL};
    if (!interposed() && errno_in_vfork("probe32", argv, environ) == ENOEXEC) SKIP("no 32-bit programs here");
}
#endif
