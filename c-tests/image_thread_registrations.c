// Shows that a new image starts with no robust list, no address to clear at its end, no rseq area; and
// that a program can register its own.
// form bare: -static -no-pie -nostdlib -fno-stack-protector
#include "image.h"

#ifdef IMAGE
#include "bare.h"
BARE_START

struct area {
    unsigned cpu_start, cpu;
    unsigned long section;
    unsigned flags, node, concurrency, padding;
} __attribute__((aligned(32)));
static struct area area = {.cpu = -1};
static unsigned cleared = 7;

void bare_main(unsigned long *stack) {
    unsigned long head = 1, length = 1, robust[3] = {(unsigned long)robust, 0, 0};
    BARE_CHECK(stack[0] == 1);
    BARE_CHECK(raw3(SYS_get_robust_list, 0, &head, &length) == 0);
    BARE_CHECK(head == 0);
    bare_show("length", length);
    BARE_CHECK(raw2(SYS_set_robust_list, robust, 24) == 0);
    BARE_CHECK(raw3(SYS_get_robust_list, 0, &head, &length) == 0 && head == (unsigned long)robust);
    long result = raw4(SYS_rseq, &area, 32, 0, 0x53053053);
    bare_show("rseq", result);
    for (int n = 0; n < 1000; n++) raw0(SYS_getppid);
    BARE_CHECK(area.cpu < 4096);
    BARE_CHECK(raw4(SYS_rseq, &area, 32, 1, 0x53053053) == 0);
    BARE_CHECK(raw1(SYS_set_tid_address, &cleared) == raw0(SYS_getpid));
    bare_exit(0);
}
#else
int main(void) {
    for (int n = 0; n < 3; n++) IMAGE_PASSES("bare");
    PASS();
}
#endif
