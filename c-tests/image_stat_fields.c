// Shows that /proc/self/stat tells a new image's addresses as the kernel computes them from its
// headers: startcode, endcode, start_data, end_data, start_brk, startstack, arg_start to env_end.
// forms: pie nopie static static-pie
// form odd-base: -no-pie -fno-pie -Wl,-Ttext-segment=0x10000000
#include "image.h"
#include "layout.h"

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    const char *stat = "/proc/self/stat";
    unsigned long start_code = -1ul, end_code = 0, start_data = 0, end_data = 0, bias = program_bias();
    for (int n = 0; n < __ehdr_start.e_phnum; n++) {
        const Elf64_Phdr *at = program_headers() + n;
        unsigned long from = bias + at->p_vaddr, to = from + at->p_filesz;
        if (at->p_type != PT_LOAD) continue;
        if (at->p_flags & PF_X && from < start_code) start_code = from;
        if (at->p_flags & PF_X && to > end_code) end_code = to;
        if (from > start_data) start_data = from;
        if (to > end_data) end_data = to;
    }
    CHECK_EQ(stat_field(stat, 26), start_code);
    CHECK_EQ(stat_field(stat, 27), end_code);
    CHECK_EQ(stat_field(stat, 45), start_data);
    CHECK_EQ(stat_field(stat, 46), end_data);
    CHECK_EQ(stat_field(stat, 28), (unsigned long)argv - 8);
    CHECK_EQ(stat_field(stat, 48), (unsigned long)argv[0]);
    CHECK_EQ(stat_field(stat, 49), (unsigned long)envp[0]);
    CHECK_EQ(stat_field(stat, 50), (unsigned long)envp[0]);
    char *last = envp[0];
    for (int n = 0; envp[n]; n++) last = envp[n];
    CHECK_EQ(stat_field(stat, 51), (unsigned long)last + strlen(last) + 1);
    // start_brk is where the heap begins.
    unsigned long start_brk = stat_field(stat, 47);
    struct area heap = area_named("[heap]");
    if (!heap.to) {
        CHECK(sbrk(64) != (void *)-1);
        heap = area_named("[heap]");
    }
    CHECK_EQ(start_brk & ~(PAGE - 1ul), heap.from & ~(PAGE - 1ul));
    CHECK(argc == 1);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) IMAGE_PASSES(form);
    IMAGE_PASSES("odd-base");
    PASS();
}
#endif
