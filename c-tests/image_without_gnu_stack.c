// Shows what a program without a PT_GNU_STACK header gets: on x86-64 a stack that the kernel does not
// make executable.
// form static: -no-pie -fno-pie -static
// form static-pie: -static-pie -fPIE
#include "image.h"
#include "faults.h"
#include "layout.h"

#ifdef IMAGE
int main(void) {
    for (int n = 0; n < __ehdr_start.e_phnum; n++) CHECK(program_headers()[n].p_type != PT_GNU_STACK);
    SHOW("%s: %s", FORM, area_named("[stack]").protection);
    unsigned char *mapped = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW("  mmap %s", area_at(mapped).protection);
    return 0;
}
#else
// A copy of the image, its PT_GNU_STACK made PT_NULL.
static void copy_without(const char *path, const char *copy) {
    size_t length;
    char *file = whole_file(path, &length);
    Elf64_Ehdr *header = (void *)file;
    Elf64_Phdr *program = (void *)(file + header->e_phoff);
    for (int n = 0; n < header->e_phnum; n++)
        if (program[n].p_type == PT_GNU_STACK) program[n].p_type = PT_NULL;
    unlink(copy);
    int to = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    CHECK_EQ(write(to, file, length), (long)length);
    CHECK_EQ(close(to), 0);
}

int main(void) {
    const char *forms[] = {"static", "static-pie"};
    for (int n = 0; n < 2; n++) {
        char *argv[] = {"image", NULL}, *envp[] = {NULL};
        copy_without(image(forms[n]), "copy");
        CHECK_EQ(run_image("./copy", argv, envp), 0);
    }
    PASS();
}
#endif
