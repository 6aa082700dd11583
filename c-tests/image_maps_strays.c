// Shows which mappings a new image has at its first instruction: the program's, the interpreter's,
// the stack, the kernel's own, and nothing else, apart from the library's few fixed ones.
// form static: -static -no-pie
// form pie: -pie -fPIE
#include "image.h"
#include "layout.h"

#ifdef IMAGE
static int library(const struct area *at) {
    unsigned long gate = 0x580000000000, preferred = 0x050f0000, fallback = 0x40060000;
    if (at->from >= gate && at->to <= gate + (2ul << 40)) return 1;
    if (at->from >= preferred && at->to <= preferred + 0x10000) return 1;
    return at->from >= fallback && at->to <= fallback + 0x10000;
}

int main(int argc, char **argv) {
    CHECK_EQ(argc, 1);
    const char *program = area_at(&__ehdr_start).name, *known[] = {"[heap]", "[stack]", "[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", NULL};
    unsigned long strays = 0, before = 0;
    for (struct area *at = layout(); at->to; before = at->to, at++) {
        int fine = library(at) || !strcmp(at->name, program) || strstr(at->name, "/ld-linux") || strstr(at->name, "/libc.so");
        for (int n = 0; known[n]; n++) fine |= !strcmp(at->name, known[n]);
        if (!at->name[0] && at->from == before) fine = 1; // the zeros of a file's last segment
        // What libc and ld.so map for themselves, without a name.
        if (!at->name[0] && !strcmp(at->protection, "rw-p") && at->to - at->from <= 0x40000) fine = 1;
        if (fine) continue;
        fprintf(stderr, "stray: %#lx-%#lx %s \"%s\"\n", at->from, at->to, at->protection, at->name);
        strays++;
    }
    CHECK_EQ(strays, 0);
    CHECK(argv[0]);
    return 0;
}
#else
int main(void) {
    IMAGE_PASSES("static");
    IMAGE_PASSES("pie");
    PASS();
}
#endif
