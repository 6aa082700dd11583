// Shows that programs linked to fixed addresses in the upper half of the address space run: below,
// between and above the places where the kernel puts movable programs, libraries and the stack.
// form 1: -static -no-pie -nostdlib -fno-stack-protector -Wl,-Ttext-segment=0x100000000000
// form 2: -static -no-pie -nostdlib -fno-stack-protector -Wl,-Ttext-segment=0x600000000000
// form 3: -static -no-pie -nostdlib -fno-stack-protector -Wl,-Ttext-segment=0x7e0000000000
#include "image.h"

#ifdef IMAGE
#include "bare.h"
BARE_START
static char zeros[3 * PAGE];
static int data = 7;

void bare_main(unsigned long *stack) {
    BARE_CHECK(stack[0] == 1 && bare_same((char *)stack[1], "image"));
    BARE_CHECK(*(volatile int *)&data == 7);
    for (int n = 0; n < 3 * PAGE; n++) BARE_CHECK(((volatile char *)zeros)[n] == 0);
    unsigned long at = raw1(SYS_brk, 0);
    BARE_CHECK((unsigned long)raw1(SYS_brk, at + 4 * PAGE) == at + 4 * PAGE);
    ((volatile char *)at)[4 * PAGE - 1] = 1;
    bare_show("start", (unsigned long)&zeros >> 40);
    bare_exit(0);
}
#else
int main(void) {
    IMAGE_PASSES("1");
    IMAGE_PASSES("2");
    IMAGE_PASSES("3");
    PASS();
}
#endif
