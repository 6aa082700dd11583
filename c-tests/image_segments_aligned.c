// Shows that a position-independent program lies at a multiple of its segments' alignment: 2 MB, 64 KB,
// a page.
// form 2M: -pie -fPIE -Wl,-z,max-page-size=0x200000
// form 2M-static: -static-pie -fPIE -Wl,-z,max-page-size=0x200000
// form 64K: -pie -fPIE -Wl,-z,max-page-size=0x10000
// form 4K: -pie -fPIE -Wl,-z,max-page-size=0x1000
// form 16M: -pie -fPIE -Wl,-z,max-page-size=0x1000000
#include "image.h"
#include "layout.h"

#ifdef IMAGE
static int data = 7;

int main(void) {
    unsigned long align = 0;
    for (int n = 0; n < __ehdr_start.e_phnum; n++)
        if (program_headers()[n].p_type == PT_LOAD && program_headers()[n].p_align > align) align = program_headers()[n].p_align;
    CHECK_EQ(program_bias() % align, 0);
    CHECK_EQ(*(volatile int *)&data, 7);
    SHOW("%s: %#lx", FORM, align);
    return 0;
}
#else
int main(void) {
    const char *forms[] = {"2M", "2M-static", "64K", "4K", "16M"};
    for (int n = 0; n < 15; n++) IMAGE_PASSES(forms[n % 5]);
    PASS();
}
#endif
