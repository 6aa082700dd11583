// Shows that AT_PHDR, AT_PHENT, AT_PHNUM and AT_ENTRY describe the program, and AT_BASE its
// interpreter, where both really are.
// forms: pie nopie static static-pie
#include "image.h"
#include "maps.h"
#include <elf.h>
#include <sys/auxv.h>

#ifdef IMAGE
extern const Elf64_Ehdr __ehdr_start;
extern void _start(void);

int main(void) {
    const Elf64_Phdr *headers = (void *)getauxval(AT_PHDR);
    CHECK_EQ(headers, (char *)&__ehdr_start + __ehdr_start.e_phoff);
    CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    CHECK_EQ(getauxval(AT_PHNUM), __ehdr_start.e_phnum);
    CHECK_EQ(getauxval(AT_ENTRY), (uintptr_t)_start);

    unsigned long bias = __ehdr_start.e_type == ET_DYN ? (uintptr_t)&__ehdr_start : 0, base = getauxval(AT_BASE);
    CHECK_EQ(getauxval(AT_ENTRY), bias + __ehdr_start.e_entry);
    const char *interpreter = NULL;
    for (int n = 0; n < __ehdr_start.e_phnum; n++) {
        if (headers[n].p_type == PT_INTERP) interpreter = (char *)bias + headers[n].p_vaddr;
        if (headers[n].p_type == PT_PHDR) CHECK_EQ(headers, bias + headers[n].p_vaddr);
    }
    if (!interpreter) {
        CHECK_EQ(base, 0);
        return 0;
    }
    // AT_BASE is the start of a mapping of the interpreter's file.
    CHECK(!memcmp((void *)base, ELFMAG, SELFMAG));
    struct mapping at = mapping_of((void *)base);
    CHECK(at.from == base && at.offset == 0 && at.inode);
    unsigned char file[64];
    int fd = open(interpreter, O_RDONLY);
    CHECK_EQ(read(fd, file, sizeof file), (long)sizeof file);
    CHECK(!memcmp(file, (void *)base, sizeof file));
    SHOW("%s", interpreter);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
