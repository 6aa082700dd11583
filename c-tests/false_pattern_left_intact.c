// arm: seccomp sud
// Shows that `movl $0x10,-0x48(%rsp); syscall`, whose tail looks like `mov $16,%eax; syscall`,
// is not taken for it when rax is 16 by other means, thousands of times: the `movl` stays, or is moved whole and runs.
#include "code.h"

enum { CALLS = 5000 };

// The same within a function that the compiler's tables describe, next to an honest site.
long false_site_in_function(long fd, long request, void *arg);
extern const unsigned char false_site_begin[], false_site_end[];
__asm__(".text\n"
        ".type false_site_in_function,@function\n"
        "false_site_in_function:\n"
        "  .cfi_startproc\n"
        "  push $16\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  pop %rax\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "false_site_begin:\n"
        "  movl $0x10,-0x48(%rsp)\n"
        "  syscall\n"
        "false_site_end:\n"
        "  movl -0x48(%rsp),%ecx\n"
        "  shl $32,%rcx\n"
        "  or %rcx,%rax\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size false_site_in_function, .-false_site_in_function\n"
        "  .skip 300,0xf4\n");

int main(void) {
    int fds[2], unread = -1;
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(write(fds[1], "12345", 5), 5);
    unsigned char before[10];
    memcpy(before, false_site_begin, sizeof before);
    for (int i = 0; i < CALLS; i++) {
        unread = -1;
        CHECK_EQ(false_site_in_function(fds[0], 0x541b /* FIONREAD */, &unread), 0x10l << 32);
        CHECK_EQ(unread, 5);
    }
    static const unsigned char jump[] = {0xff, 0x24, 0x25}; // over the whole `movl`, from its start
    CHECK(!memcmp(before, false_site_begin, 8) || !memcmp(jump, false_site_begin, 3));
    CHECK_EQ(false_site_end - false_site_begin, 10);

    // Raw text without any table; no padding within reach of a short jump.
    static const unsigned char code[] = {
        0x6a, 0x10, 0x58,                               // push $16; pop %rax
        0xc7, 0x44, 0x24, 0xb8, 0x10, 0x00, 0x00, 0x00, // movl $0x10,-0x48(%rsp)
        0x0f, 0x05,                                     // syscall
        0x8b, 0x4c, 0x24, 0xb8,                         // mov -0x48(%rsp),%ecx
        0x48, 0xc1, 0xe1, 0x20,                         // shl $32,%rcx
        0x48, 0x09, 0xc8, 0xc3,                         // or %rcx,%rax; ret
    };
    unsigned char page[PAGE];
    fill_code(page, PAGE);
    memcpy(page + 600, code, sizeof code);
    unsigned char *text = map_code(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    for (int i = 0; i < CALLS; i++) {
        unread = -1;
        CHECK_EQ(((long (*)(long, long, void *))(text + 600))(fds[0], 0x541b, &unread), 0x10l << 32);
        CHECK_EQ(unread, 5);
    }
    CHECK(!memcmp(page + 603, text + 603, 8) || !memcmp(jump, text + 603, 3));
    CHECK(!memcmp(page, text, 603) && !memcmp(page + 611, text + 611, PAGE - 611));
    PASS();
}
