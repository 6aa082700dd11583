// Programs that use GS for themselves: blocks that it points to, and that it still does.
#ifndef GS_H
#define GS_H

#include "code.h"
#include <asm/prctl.h>

// What GS points to: its own address, as Windows has it in its thread blocks, and something to know it by.
struct gs_block {
    struct gs_block *self;
    unsigned long magic;
};

static MAYBE_UNUSED void gs_set(struct gs_block *block, unsigned long magic) {
    *block = (struct gs_block){block, magic};
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_SET_GS, block), 0);
}

static MAYBE_UNUSED unsigned long gs_base(void) {
    unsigned long base = 1;
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_GET_GS, &base), 0);
    return base;
}

// rdgsbase and wrgsbase exist, and the kernel lets them be used.
static MAYBE_UNUSED int has_fsgsbase(void) { return (getauxval(AT_HWCAP2) & 2) != 0; }

static MAYBE_UNUSED unsigned long gs_read(void) {
    unsigned long base;
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

static MAYBE_UNUSED void gs_write(void *base) { __asm__ volatile("wrgsbase %0" ::"r"(base) : "memory"); }

// Without a system call.
static MAYBE_UNUSED inline int gs_is(const struct gs_block *block) {
    struct gs_block *self;
    unsigned long magic;
    __asm__ volatile("mov %%gs:0,%0\n\tmov %%gs:8,%1" : "=&r"(self), "=r"(magic)::"memory");
    return self == block && magic == block->magic;
}

// In every way that there is.
#define CHECK_GS(block)                                                       \
    do {                                                                      \
        CHECK(gs_is(block));                                                  \
        CHECK_EQ(gs_base(), (unsigned long)(block));                          \
        if (has_fsgsbase()) CHECK_EQ(gs_read(), (unsigned long)(block));      \
        CHECK(gs_is(block));                                                  \
    } while (0)

#endif
