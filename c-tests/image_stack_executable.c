// Shows that a new image's stack is executable if its PT_GNU_STACK says so, and only then; that data,
// zeros and heap are not executable in any case, as natively.
// forms: pie nopie static static-pie
// form stack-pie: -pie -fPIE -Wl,-z,execstack
// form stack-nopie: -no-pie -fno-pie -Wl,-z,execstack
// form stack-static: -no-pie -fno-pie -static -Wl,-z,execstack
// form stack-static-pie: -static-pie -fPIE -Wl,-z,execstack
#include "image.h"
#include "faults.h"
#include "layout.h"

#ifdef IMAGE
static unsigned char data[64] = {0xb8, 7, 0, 0, 0, 0xc3}, zeros[64];

int main(int argc, char **argv) {
    CHECK_EQ(argc, 1);
    unsigned char stack[64];
    unsigned char *heap = malloc(64), *by_brk = sbrk(64),
                  *mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(stack, returns_seven, sizeof returns_seven);
    memcpy(heap, returns_seven, sizeof returns_seven);
    memcpy(by_brk, returns_seven, sizeof returns_seven);
    memcpy(mapped, returns_seven, sizeof returns_seven);
    memcpy(zeros, returns_seven, sizeof returns_seven);
    // A copy on the stack that the compiler knows nothing of.
    unsigned char *volatile on_stack = stack;
    SHOW("  stack %d, %s, arguments %s", result_of_code(on_stack), area_named("[stack]").protection, area_at(argv[0]).protection);
    SHOW("  data %d, zeros %d", result_of_code(data), result_of_code(zeros));
    SHOW("  malloc %d, brk %d, mmap %d", result_of_code(heap), result_of_code(by_brk), result_of_code(mapped));
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) {
        char with_stack[32];
        snprintf(with_stack, sizeof with_stack, "stack-%s", form);
        SHOW("%s:", form);
        IMAGE_PASSES(form);
        SHOW("%s:", with_stack);
        IMAGE_PASSES(with_stack);
    }
    PASS();
}
#endif
