// Shows that mappings at chosen addresses, from the lowest page that is allowed to the highest,
// below 2 GB and with MAP_32BIT, hold data and code, and that code there makes its calls.
#include "code.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static int fd;

static void use(unsigned char *at, int with_code) {
    at[0] = 1, at[PAGE - 1] = 2;
    CHECK_EQ(at[0] + at[PAGE - 1], 3);
    if (!with_code) return;
    CHECK(mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == at);
    struct regs in, out;
    for (uint64_t n = 0; n < 30; n++) {
        pattern_regs(&in, n);
        call_with(at + 100, &in, &out);
        CHECK_EQ(out.rax, raw0(SYS_getpid));
        check_regs(&in, &out, at + 107);
        call_with(at + 3001, &in, &out);
        CHECK_EQ(out.rax, raw0(SYS_gettid));
        check_regs(&in, &out, at + 3008);
    }
}

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    put_call(bytes, bytes + 100, SYS_getpid);
    put_call(bytes, bytes + 3001, SYS_gettid);
    fd = code_fd(bytes, PAGE);
    static const uintptr_t places[] = {
        0x10000, 0x20000, 0x100000, 0x10000000, 0x3ffff000, 0x40001000, 0x7ffff000, 0x80000000, 0xfffff000, 0x100000000,
        0x123456789000, 0x600000000000, 0x7ffff0000000 /* may be the stack's */,
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (int round = 0; round < 3; round++) {
            void *at = mmap((void *)places[i], PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (at == MAP_FAILED) {
                CHECK(errno == EEXIST || errno == EPERM); // not ours to have
                continue;
            }
            CHECK(at == (void *)places[i]);
            use(at, 1);
            CHECK_EQ(munmap(at, PAGE), 0);
        }
    static unsigned char *low[300];
    for (int i = 0; i < 300; i++) {
        low[i] = mmap(NULL, PAGE * (1 + (size_t)i % 3), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        CHECK(low[i] != MAP_FAILED);
        CHECK((uintptr_t)low[i] < 0x80000000);
        use(low[i], i % 10 == 0);
    }
    for (int i = 0; i < 300; i++) CHECK_EQ(munmap(low[i], PAGE * (1 + (size_t)i % 3)), 0);
    CHECK(mmap((void *)1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    CHECK_EQ(errno, EINVAL);
    CHECK_ERR(munmap((void *)1, PAGE), EINVAL);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    CHECK_EQ(errno, EINVAL);
    PASS();
}
