// Shows that the auxiliary vector has the kernel's entries in the kernel's order, with the kernel's
// values where these do not depend on addresses.
// forms: pie nopie static static-pie
#include "image.h"
#include <elf.h>

#ifdef IMAGE
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN 28
#endif

int main(int argc, char **argv, char **envp) {
    CHECK(argc == 1 && argv[1] == NULL);
    while (*envp) envp++;
    for (Elf64_auxv_t *at = (Elf64_auxv_t *)(envp + 1);; at++) {
        unsigned long value = at->a_un.a_val;
        switch (at->a_type) {
        case AT_SYSINFO_EHDR: case AT_PHDR: case AT_ENTRY: case AT_RANDOM: case AT_EXECFN:
            CHECK(value != 0);
            SHOW("%lu is an address", at->a_type);
            break;
        case AT_BASE: SHOW("%lu is %s", at->a_type, value ? "an address" : "0"); break;
        case AT_PLATFORM: SHOW("%lu is \"%s\"", at->a_type, (char *)value); break;
        default: SHOW("%lu is %#lx", at->a_type, value);
        }
        if (at->a_type == AT_NULL) break;
    }
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) {
        SHOW("%s:", form);
        IMAGE_PASSES(form);
    }
    PASS();
}
#endif
