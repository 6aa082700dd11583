// Shows that hot code which mremap moves (or duplicates within a grown mapping) works at its new
// place, that other code at the old place is served as what it is, and copies behave as copies.
#include "code.h"

enum { HOT = 20000 };

int main(void) {
    long pid = raw0(SYS_getpid), tid = raw0(SYS_gettid);
    unsigned char bytes[2 * PAGE];
    fill_code(bytes, sizeof bytes);
    put_call(bytes, bytes + 1000, SYS_getpid);
    unsigned char *code = make_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC);
    for (int n = 0; n < HOT; n++) CHECK_EQ(CALL(code + 1000), pid);

    struct regs in, out;
    for (int round = 0; round < 20; round++) {
        unsigned char *target = mmap(NULL, sizeof bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(target != MAP_FAILED);
        unsigned char *moved = mremap(code, sizeof bytes, sizeof bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target);
        CHECK(moved == target);
        // Other code at the old place.
        unsigned char *other = mmap(code, sizeof bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        CHECK(other == code);
        memcpy(other, bytes, sizeof bytes);
        emit_call(other + 1000, SYS_gettid);
        CHECK_EQ(mprotect(other, sizeof bytes, PROT_READ | PROT_EXEC), 0);
        pattern_regs(&in, (uint64_t)round);
        for (int n = 0; n < (round < 3 ? HOT : 100); n++) {
            call_with(moved + 1000, &in, &out);
            CHECK_EQ(out.rax, pid);
            check_regs(&in, &out, moved + 1007);
            call_with(other + 1000, &in, &out);
            CHECK_EQ(out.rax, tid);
            check_regs(&in, &out, other + 1007);
        }
        CHECK_EQ(munmap(other, sizeof bytes), 0);
        CHECK_EQ(mprotect(moved, sizeof bytes, PROT_READ), 0);
        CHECK_EQ(mprotect(moved, sizeof bytes, PROT_READ | PROT_EXEC), 0);
        code = moved;
    }
    // Shrunk: the page that stays still works.
    CHECK(mremap(code, sizeof bytes, PAGE, 0) == code);
    for (int n = 0; n < 100; n++) CHECK_EQ(CALL(code + 1000), pid);
    PASS();
}
