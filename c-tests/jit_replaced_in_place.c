// Shows that code which replaces other code at the same address (munmap and mmap, MAP_FIXED over
// it, anonymous or file, cold or hot) makes its own calls and not those of its predecessor.
#include "code.h"

enum { ROUNDS = 400 };

int main(void) {
    long results[] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid)};
    int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid}, fds[3];
    unsigned char bytes[3][PAGE];
    for (int i = 0; i < 3; i++) {
        fill_code(bytes[i], PAGE);
        put_call(bytes[i], bytes[i] + 512, numbers[i]);
        fds[i] = code_fd(bytes[i], PAGE);
    }
    // Fourth kind: the number in a register at the same address.
    unsigned char bare[PAGE];
    fill_code(bare, PAGE);
    memcpy(bare + 500, "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x6a\x66\x58\x90\x90\x0f\x05\xc3", 20);

    unsigned char *at = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    for (int round = 0; round < ROUNDS; round++) {
        int which = round % 3;
        if (round % 2) CHECK_EQ(munmap(at, PAGE), 0);
        if (round % 5 < 2) { // ordinary program text
            CHECK(mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fds[which], 0) == at);
        } else if (round % 5 == 4) {
            CHECK(mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
            memcpy(at, bare, PAGE);
            CHECK_EQ(mprotect(at, PAGE, PROT_READ | PROT_EXEC), 0);
            for (int n = 0; n < 20; n++) CHECK_EQ(CALL(at + 500), raw0(SYS_getuid));
            continue;
        } else {
            CHECK(mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
            memcpy(at, bytes[which], PAGE);
            CHECK_EQ(mprotect(at, PAGE, PROT_READ | PROT_EXEC), 0);
        }
        int calls = round % 50 == 3 ? 20000 : 10;
        struct regs in, out;
        pattern_regs(&in, (uint64_t)round);
        for (int n = 0; n < calls; n++) {
            call_with(at + 512, &in, &out);
            CHECK_EQ(out.rax, results[which]);
            check_regs(&in, &out, at + 519);
        }
        if (round % 7 == 0) { // its pages are dropped: a file's come back, others are zeros
            CHECK_EQ(madvise(at, PAGE, MADV_DONTNEED), 0);
            if (round % 5 < 2) CHECK_EQ(CALL(at + 512), results[which]);
        }
    }
    PASS();
}
