// Shows how a new image's stack begins: argc, the arguments' pointers, a null, the environment's, a
// null, the auxiliary vector up to AT_NULL; then, below the strings, AT_RANDOM's bytes and AT_PLATFORM.
// Nothing else of size lies between. /proc/self/stat's startstack is where argc is.
// form bare: -static -no-pie -nostdlib -fno-stack-protector
#include "image.h"

#ifdef IMAGE
#include "bare.h"
#include <elf.h>
BARE_START

static char text[4096];

void bare_main(unsigned long *stack) {
    BARE_CHECK((uintptr_t)stack % 16 == 0);
    unsigned long argc = stack[0];
    char **argv = (char **)(stack + 1), **envp = argv + argc + 1;
    BARE_CHECK(argv[argc] == NULL);
    unsigned long n = 0;
    while (envp[n]) n++;
    BARE_CHECK(n == 2);
    Elf64_auxv_t *entry = (Elf64_auxv_t *)(envp + n + 1);
    unsigned long random = 0, platform = 0, file = 0;
    for (; entry->a_type != AT_NULL; entry++) {
        if (entry->a_type == AT_RANDOM) random = entry->a_un.a_val;
        if (entry->a_type == AT_PLATFORM) platform = entry->a_un.a_val;
        if (entry->a_type == AT_EXECFN) file = entry->a_un.a_val;
    }
    unsigned long end = (unsigned long)(entry + 1), strings = (unsigned long)argv[0];
    BARE_CHECK(random >= end && random + 16 <= strings);
    BARE_CHECK(platform >= random + 16 && platform + 7 <= strings);
    BARE_CHECK(bare_same((char *)platform, "x86_64"));
    BARE_CHECK(file > strings);
    // The kernel leaves room for alignment and up to 8 KB at random (arch_align_stack).
    BARE_CHECK(random - end < 512);
    BARE_CHECK(strings - platform < 8192 + 512);

    long fd = raw2(SYS_open, "/proc/self/stat", O_RDONLY), length = raw3(SYS_read, fd, text, sizeof text - 1);
    BARE_CHECK(length > 0);
    while (text[length - 1] != ')') length--;
    long at = length + 1;
    for (int field = 3; field < 28; field++) {
        while (text[at] != ' ') at++;
        at++;
    }
    unsigned long start = 0;
    while (text[at] >= '0' && text[at] <= '9') start = start * 10 + text[at++] - '0';
    BARE_CHECK(start == (unsigned long)stack);
    bare_exit(0);
}
#else
int main(void) {
    char *argv[] = {"image", "b", "c", NULL}, *envp[] = {"A=1", "B=2", NULL};
    for (int n = 0; n < 20; n++) CHECK_EQ(run_image(image("bare"), argv, envp), 0);
    PASS();
}
#endif
