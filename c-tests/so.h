// Writes small shared objects, so that a test can load code of its own making with dlopen:
// one function, `site`, described by .eh_frame as a compiler would.
#ifndef SO_H
#define SO_H

#include "code.h"
#include <dlfcn.h>
#include <elf.h>

enum { SO_TEXT = 0x1000, SO_DATA = 0x2000, SO_SIZE = 0x3000 };

// The object's bytes in `so` (SO_SIZE of them); the function is `code`, at offset `at` of its text page.
static MAYBE_UNUSED void make_so(unsigned char *so, const void *code, size_t length, size_t at, const char *name) {
    memset(so, 0, SO_SIZE);
    memset(so + SO_TEXT, 0xcc, PAGE);
    memcpy(so + SO_TEXT + at, code, length);

    Elf64_Ehdr *header = (void *)so;
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_ident[EI_VERSION] = EV_CURRENT;
    header->e_type = ET_DYN;
    header->e_machine = EM_X86_64;
    header->e_version = EV_CURRENT;
    header->e_phoff = sizeof *header;
    header->e_ehsize = sizeof *header;
    header->e_phentsize = sizeof(Elf64_Phdr);
    header->e_phnum = 6;

    size_t symbols = 0x300, strings = 0x380, hash = 0x400, frames = 0x500, index = 0x580;
    Elf64_Phdr programs[6] = {
        {.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = PAGE, .p_memsz = PAGE, .p_align = PAGE},
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = SO_TEXT, .p_vaddr = SO_TEXT, .p_filesz = PAGE, .p_memsz = PAGE, .p_align = PAGE},
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = SO_DATA, .p_vaddr = SO_DATA, .p_filesz = PAGE, .p_memsz = PAGE, .p_align = PAGE},
        {.p_type = PT_DYNAMIC, .p_flags = PF_R | PF_W, .p_offset = SO_DATA, .p_vaddr = SO_DATA, .p_filesz = 7 * 16, .p_memsz = 7 * 16, .p_align = 8},
        {.p_type = PT_GNU_EH_FRAME, .p_flags = PF_R, .p_offset = index, .p_vaddr = index, .p_filesz = 20, .p_memsz = 20, .p_align = 4},
        {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16},
    };
    memcpy(so + sizeof *header, programs, sizeof programs);

    strcpy((char *)so + strings + 1, "site");
    strcpy((char *)so + strings + 6, name);
    Elf64_Sym *symbol = (void *)(so + symbols);
    symbol[1] = (Elf64_Sym){.st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1, .st_value = SO_TEXT + at, .st_size = length};
    uint32_t *buckets = (void *)(so + hash); // one bucket, two symbols
    buckets[0] = 1, buckets[1] = 2, buckets[2] = 1;

    // A CIE of version 1 with "zR", pc-relative 4-byte pointers; one FDE; their sorted index.
    static const unsigned char cie[] = {20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0};
    memcpy(so + frames, cie, sizeof cie);
    uint32_t *fde = (void *)(so + frames + sizeof cie);
    fde[0] = 16;                                                     // length
    fde[1] = sizeof cie + 4;                                         // back to the CIE
    fde[2] = (uint32_t)(SO_TEXT + at - (frames + sizeof cie + 8));   // start, relative to this field
    fde[3] = (uint32_t)length;
    fde[4] = 0;                                                      // no augmentation; three nops
    static const unsigned char index_head[] = {1, 0x1b, 3, 0x3b};
    memcpy(so + index, index_head, 4);
    uint32_t *entries = (void *)(so + index + 4);
    entries[0] = (uint32_t)(frames - (index + 4));
    entries[1] = 1;
    entries[2] = (uint32_t)(SO_TEXT + at - index);
    entries[3] = (uint32_t)(frames + sizeof cie - index);

    Elf64_Dyn dynamic[7] = {
        {DT_SONAME, {6}}, {DT_HASH, {hash}}, {DT_STRTAB, {strings}}, {DT_SYMTAB, {symbols}},
        {DT_STRSZ, {0x80}}, {DT_SYMENT, {sizeof(Elf64_Sym)}}, {DT_NULL, {0}},
    };
    memcpy(so + SO_DATA, dynamic, sizeof dynamic);
}

// A file of that content at a path that is written to `path`; the caller unlinks it.
static MAYBE_UNUSED void write_so(char path[256], const unsigned char *so) {
    const char *dir = getenv("TMPDIR");
    snprintf(path, 256, "%s/usertrap-so-XXXXXX", dir ? dir : "/tmp");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, so, SO_SIZE), SO_SIZE);
    CHECK_EQ(close(fd), 0);
}

#endif
