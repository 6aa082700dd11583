// Shows that programs linked to unusual fixed addresses are mapped there: low, at 256 MB, and
// over each range that the library may choose for its table.
// modes: native trap rewrite stat command command-trap
// form low: -no-pie -fno-pie -Wl,-Ttext-segment=0x10000
// form odd: -no-pie -fno-pie -Wl,-Ttext-segment=0x10000000
// form table: -no-pie -fno-pie -Wl,-Ttext-segment=0x050f0000
// form table-static: -no-pie -fno-pie -static -Wl,-Ttext-segment=0x050f0000
// form below-table: -no-pie -fno-pie -static -Wl,-Ttext-segment=0x05000000
// form other-table: -no-pie -fno-pie -static -Wl,-Ttext-segment=0x40060000
#include "image.h"
#include "layout.h"

#ifdef IMAGE
static char zeros[2 << 20];
static int data = 7;

int main(int argc, char **argv) {
    SHOW("%s: program at %p", FORM, (void *)&__ehdr_start);
    CHECK_EQ(program_bias(), 0);
    memset(zeros, 1, sizeof zeros);
    CHECK(argc == 1 && !strcmp(argv[0], "image") && *(volatile int *)&data == 7);
    for (int n = 0; n < 100; n++) CHECK_EQ(raw0(SYS_getpid), getpid());
    void *memory = malloc(1 << 20);
    CHECK(memory && sbrk(1 << 20) != (void *)-1);
    return 0;
}
#else
int main(void) {
    const char *forms[] = {"low", "odd", "table", "table-static", "below-table", "other-table"};
    for (int n = 0; n < 6; n++) IMAGE_PASSES(forms[n]);
    PASS();
}
#endif
