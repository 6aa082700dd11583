// Shows that /proc/self/auxv is what the stack has, byte for byte, AT_NULL included.
// forms: pie nopie static static-pie
#include "image.h"
#include "proc_file.h"
#include <elf.h>

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    CHECK(argc == 1 && argv[1] == NULL);
    while (*envp) envp++;
    Elf64_auxv_t *stack = (Elf64_auxv_t *)(envp + 1);
    size_t length, entries = 1;
    Elf64_auxv_t *file = (Elf64_auxv_t *)whole_file("/proc/self/auxv", &length);
    while (stack[entries - 1].a_type != AT_NULL) entries++;
    for (size_t n = 0; n < entries && n < length / sizeof *file; n++) {
        CHECK_EQ(file[n].a_type, stack[n].a_type);
        CHECK_EQ(file[n].a_un.a_val, stack[n].a_un.a_val);
    }
    CHECK_EQ(length, entries * sizeof *file);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
