// Shows that without address space randomisation an image lies where it lies natively: program, heap,
// interpreter, libc, vDSO and stack, run after run.
// forms: pie nopie static static-pie
#include "image.h"
#include "layout.h"
#include <sys/personality.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    CHECK(sbrk(0) != NULL && argc == 1);
    SHOW("  program %p, heap %#lx", (void *)&__ehdr_start, stat_field("/proc/self/stat", 47));
    SHOW("  interpreter %#lx, libc %p", getauxval(AT_BASE), (void *)strerror);
    SHOW("  vDSO %#lx", getauxval(AT_SYSINFO_EHDR));
    SHOW("  stack to %#lx", area_named("[stack]").to);
    SHOW("  first mapping %p", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(argv[0]);
    return 0;
}
#else
int main(void) {
    if (personality(ADDR_NO_RANDOMIZE) == -1) SKIP("personality is not allowed");
    EACH_FORM(form) {
        SHOW("%s:", form);
        IMAGE_PASSES(form);
        IMAGE_PASSES(form);
    }
    PASS();
}
#endif
