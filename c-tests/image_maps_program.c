// Shows that the program, its interpreter and libc are mapped as the kernel and ld.so map them: the
// same pieces with the same sizes, protections and offsets, under their own file names.
// without: guest
// forms: pie nopie static static-pie
// form plain: -no-pie -fno-pie -Wl,-z,noseparate-code -Wl,-z,norelro
// form large-pages: -pie -fPIE -Wl,-z,max-page-size=0x200000
// form large-pages-static-pie: -static-pie -fPIE -Wl,-z,max-page-size=0x200000
#include "image.h"
#include "layout.h"

#ifdef IMAGE
char zeros[5 * PAGE], data[3 * PAGE] = {1};

static void show_file(const char *part) {
    for (struct area *at = layout(); at->to; at++)
        if (strstr(at->name, part)) printf("  %s %s %#lx at %#lx\n", at->name, at->protection, at->to - at->from, at->offset);
}

int main(int argc, char **argv) {
    CHECK(data[argc - 1] == 1 && zeros[0] == 0);
    // The name is that of the file.
    char *name = area_at(&__ehdr_start).name;
    if (strcmp(name, argv[0])) fprintf(stderr, "mapped is \"%s\", want \"%s\"\n", name, argv[0]);
    CHECK(!strcmp(name, argv[0]));
    show_program_areas();
    show_file("/ld-linux");
    show_file("/libc.so");
    return 0;
}
#else
int main(void) {
    const char *forms[] = {"pie", "nopie", "static", "static-pie", "plain", "large-pages", "large-pages-static-pie"};
    for (int n = 0; n < 7; n++) {
        char *path = realpath(image(forms[n]), NULL);
        CHECK(path);
        char *argv[] = {path, NULL};
        SHOW("%s:", forms[n]);
        IMAGE_PASSES_WITH(forms[n], argv);
    }
    PASS();
}
#endif
