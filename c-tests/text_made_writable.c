// arm: seccomp sud
// Shows that a program which makes its own text writable finds its own bytes there, may change a
// site's number or copy the function elsewhere (as hot-patching tools do), and is served rightly.
#include "code.h"
#include "maps.h"

int patched_site(void);
__asm__(".section .text.patched,\"ax\",@progbits\n.p2align 12\n"
        ".type patched_site,@function\n"
        "patched_site:\n  .cfi_startproc\n"
        "  mov $39,%eax\n  syscall\n  ret\n"
        "  .cfi_endproc\n.size patched_site,.-patched_site\n"
        ".p2align 12\n.previous\n");

int main(void) {
    unsigned char *text = (unsigned char *)patched_site, before[PAGE];
    memcpy(before, text, PAGE);
    long results[] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid)};
    int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid};
    for (int round = 0; round < 30; round++) {
        for (int n = 0; n < 20; n++) CHECK_EQ(patched_site(), results[round % 3]);
        CHECK_PROTECTION(text, "r-xp");
        int prot = PROT_READ | PROT_WRITE | (round % 2 ? PROT_EXEC : 0);
        CHECK_EQ(mprotect(text, PAGE, prot), 0);
        CHECK(!memcmp(before, text, PAGE));
        unsigned char *copy = make_code(text, PAGE, PROT_READ | PROT_EXEC);
        CHECK_EQ(CALL(copy), results[round % 3]);
        CHECK_EQ(munmap(copy, PAGE), 0);
        memcpy(text + 1, &numbers[(round + 1) % 3], 4);
        memcpy(before, text, PAGE);
        if (round % 2) CHECK_EQ(patched_site(), results[(round + 1) % 3]);
        CHECK_EQ(mprotect(text, PAGE, PROT_READ | PROT_EXEC), 0);
    }
    PASS();
}
