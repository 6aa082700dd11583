// Shows that a program at a fixed address that itself occupies the range where the library likes
// its table runs, its data untouched, its calls right.
// cflags: -no-pie -fno-pie -Wl,-Ttext-segment=0x5000000
#include "code.h"

static unsigned char mine[4 << 20] = {1};

int main(void) {
    CHECK((uintptr_t)mine < 0x50f0000 && (uintptr_t)mine + sizeof mine > 0x5100000);
    for (size_t i = 1; i < sizeof mine; i++) CHECK_EQ(mine[i], 0);
    memset(mine, 0xab, sizeof mine);
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < 16; i++) put_call(bytes, bytes + 64 + i * 240, SYS_getpid);
    unsigned char *text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    struct regs in, out;
    for (int n = 0; n < 1000; n++) {
        CHECK_EQ(getppid(), raw0(SYS_getppid));
        CHECK_EQ(syscall(SYS_getpid), raw0(SYS_getpid));
        pattern_regs(&in, (uint64_t)n);
        unsigned char *site = text + 64 + n % 16 * 240;
        call_with(site, &in, &out);
        CHECK_EQ(out.rax, raw0(SYS_getpid));
        check_regs(&in, &out, site + 7);
    }
    for (size_t i = 0; i < sizeof mine; i++) CHECK_EQ(mine[i], 0xab);
    PASS();
}
