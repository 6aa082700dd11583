// Calls with odd floating-point state and flags: the hook of ../hooks/hook_state.rs finds the psABI's, and the
// application all of its own afterwards.
#define _GNU_SOURCE
#include "../check.h"

enum { LOOK = 500, EVER = 501 };

struct state {
    unsigned char x87[108]; // fnsave's image
    unsigned mxcsr;
    unsigned long flags;
};

// Loads a state, makes a call, and stores what is left; xmm registers have tests of their own.
static long call_with(long number, const struct state *before, struct state *after) {
    long result = number;
    unsigned plain = 0x1f80;
    __asm__ volatile("frstor (%[before])\n\t"
                     "ldmxcsr 108(%[before])\n\t"
                     "pushq 112(%[before])\n\t"
                     "popfq\n\t"
                     "syscall\n\t"
                     "pushfq\n\t"
                     "cld\n\t"
                     "andl $~0x40000, (%%rsp)\n\t" // AC: what follows need not be aligned
                     "pushq (%%rsp)\n\t"
                     "popfq\n\t"
                     "popq 112(%[after])\n\t"
                     "fnsave (%[after])\n\t"
                     "stmxcsr 108(%[after])\n\t"
                     "ldmxcsr %[plain]\n\t"
                     : "+a"(result)
                     : [before] "r"(before), [after] "r"(after), [plain] "m"(plain), "D"(0L), "S"(0L), "d"(0L)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

static void check(const char *what, const struct state *before) {
    const long numbers[] = {LOOK, SYS_getppid, SYS_sigaltstack, 600};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct state after = {0};
        long result = call_with(numbers[i], before, &after);
        if (numbers[i] == LOOK && result != 0) {
            printf("%s: the hook finds %#lx\n", what, result);
            exit(1);
        }
        // The pointers to the last instruction and operand are of the last x87 instruction, whosever it was.
        int same = !memcmp(before->x87, after.x87, 12) && !memcmp(before->x87 + 28, after.x87 + 28, 80);
        if (!same || before->mxcsr != after.mxcsr || ((before->flags ^ after.flags) & ~0x40000ul & 0xfd5)) {
            printf("%s: call %ld changes the state\n", what, numbers[i]);
            exit(1);
        }
    }
}

static struct state plain(void) {
    struct state state = {.mxcsr = 0x1f80, .flags = 0x246};
    __asm__ volatile("fninit\n\tfnsave (%0)" ::"r"(state.x87) : "memory");
    return state;
}

int main(void) {
    struct state state = plain();
    check("plain", &state);
    state.mxcsr = 0xffff & ~0x0200; // rounding to zero, flush to zero, every flag, division unmasked
    check("mxcsr", &state);
    for (int full = 0; full < 2; full++) {
        state = plain();
        __asm__ volatile("fld1; fldpi; fldl2e" ::);
        if (full) __asm__ volatile("fldz; fld1; fldln2; fldlg2; fldl2t" ::);
        __asm__ volatile("fnsave (%0)" ::"r"(state.x87) : "memory");
        check("x87 stack", &state);
        state.x87[0] = 0x7f, state.x87[1] = 0x0c; // single precision, rounding to zero
        check("x87 control word", &state);
        state.x87[0] = 0x7b; // division by zero unmasked, and pending
        state.x87[4] |= 0x84, state.x87[5] |= 0x80;
        check("x87 exception", &state);
    }
    unsigned long value = 0x123456789abcdef0;
    __asm__ volatile("movq %1, %%mm0; movq %1, %%mm7; fnsave (%0)" ::"r"(state.x87), "m"(value) : "memory");
    check("MMX", &state);
    state = plain();
    state.flags |= 0x400;
    check("DF", &state);
    state.flags |= 0x40000;
    check("DF and AC", &state);
    state.flags = 0x40246;
    check("AC", &state);
    state.flags = 0x4ad7;
    check("NT and all arithmetic flags", &state);
    printf("%ld\n", syscall(EVER));
    return 0;
}
