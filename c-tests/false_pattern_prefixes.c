// Shows that `b8 imm32 0f 05` inside longer instructions keeps its effect: `mov $39,%r8d`
// (41 b8), `mov $39,%ax`-like prefixes, a byte of a constant, an operand of `test` and `cmp`.
#include "code.h"

enum { CALLS = 3000 };

struct shape {
    const char *name;
    unsigned char before[16]; // sets rax to the number in another way
    int length;
    unsigned char code[16]; // ends where `syscall` begins
    int code_length;
    int nr, r8;
};

static const struct shape shapes[] = {
    {"mov imm,r8d", {0x6a, 39, 0x58}, 3, {0x41, 0xb8, 39, 0, 0, 0}, 6, 39, 39},
    {"movl imm,disp8(rsp)", {0x6a, 39, 0x58}, 3, {0xc7, 0x44, 0x24, 0xb8, 39, 0, 0, 0}, 8, 39, 0},
    {"movl imm,disp8(rsp) with bf", {0x6a, 39, 0x58}, 3, {0xc7, 0x44, 0x24, 0xbf, 39, 0, 0, 0}, 8, 39, 0},
    {"movabs with b8 inside", {0x6a, 39, 0x58}, 3, {0x49, 0xb8, 0, 0, 0, 0xb8, 39, 0, 0, 0}, 10, 39, -1},
    {"test imm,eax (a9)", {0x6a, 39, 0x58}, 3, {0xa9, 39, 0, 0, 0}, 5, 39, 0},
    {"cmp imm32 with b8 as its first byte", {0x68, 0xb8, 39, 0, 0, 0x58}, 6, {0x48, 0xc1, 0xe8, 8, 0x3d, 39, 0, 0, 0}, 9, 39, 0},
    {"rex.w mov imm32,rax (48 c7 c0)", {0x90}, 1, {0x48, 0xc7, 0xc0, 39, 0, 0, 0}, 7, 39, 0},
    {"osize rex mov", {0x90}, 1, {0x40, 0xb8, 39, 0, 0, 0}, 6, 39, 0},
    {"useless prefixes before mov eax", {0x90}, 1, {0x2e, 0x3e, 0xb8, 39, 0, 0, 0}, 7, 39, 0},
};

int main(void) {
    unsigned char page[PAGE];
    long pid = raw0(SYS_getpid);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const struct shape *shape = &shapes[s];
        fill_code(page, PAGE);
        unsigned char *at = page + 600;
        memset(at - 16, 0x90, 16);
        memcpy(at, shape->before, (size_t)shape->length);
        memcpy(at + shape->length, shape->code, (size_t)shape->code_length);
        unsigned char *syscall_at = at + shape->length + shape->code_length;
        memcpy(syscall_at, "\x0f\x05\xc3", 3);
        unsigned char *text = map_code(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
        struct regs in, out;
        for (int i = 0; i < CALLS; i++) {
            pattern_regs(&in, (uint64_t)i);
            call_with(text + 600, &in, &out);
            CHECK_EQ(out.rax, pid);
            if (shape->r8 > 0) in.r8 = (uint64_t)shape->r8;
            if (shape->r8 < 0) memcpy(&in.r8, shape->code + 2, 8);
            if (shape->code[0] == 0xa9) in.rflags = out.rflags; // `test` sets them
            if (shape->code[4] == 0x3d) in.rflags = out.rflags;
            in.r11 = in.rflags;
            check_regs(&in, &out, text + (syscall_at - page) + 2);
        }
        // `test` and `cmp` found 39: ZF says so.
        if (shape->code[0] == 0xa9) CHECK_EQ(out.rflags & 0x40, 0);
        if (shape->code[4] == 0x3d) CHECK_EQ(out.rflags & 0x40, 0x40);
        CHECK_EQ(munmap(text, PAGE), 0);
        puts(shape->name);
    }
    PASS();
}
