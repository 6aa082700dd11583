// Shows that a site which was called 20,000 times in memory made executable has its original
// bytes again once that memory becomes writable, by mprotect and by pkey_mprotect, whole or
// in part, and that its owner's change of the number takes effect.
#include "code.h"

enum { HOT = 20000, SITES = 20 };

static long results[3];
static const int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid};

static void heat(unsigned char *site, long want) {
    for (int n = 0; n < HOT; n++) CHECK_EQ(CALL(site), want);
}

int main(void) {
    results[0] = raw0(SYS_getpid), results[1] = raw0(SYS_gettid), results[2] = raw0(SYS_getppid);
    unsigned char bytes[3 * PAGE];
    fill_code(bytes, sizeof bytes);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + 64 + i * 600, SYS_getpid);
    put_call(bytes, bytes + PAGE - 3, SYS_getpid); // across two pages
    unsigned char *code = make_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC);

    heat(code + 64, results[0]);
    heat(code + PAGE - 3, results[0]);
    heat(code + 64 + 10 * 600, results[0]);
    for (int round = 1; round < 6; round++) {
        CHECK_EQ(mprotect(code, sizeof bytes, PROT_READ | PROT_WRITE), 0);
        CHECK(!memcmp(code, bytes, sizeof bytes));
        emit_call(code + 64, numbers[round % 3]);
        emit_call(code + PAGE - 3, numbers[(round + 1) % 3]);
        memcpy(bytes, code, sizeof bytes);
        CHECK_EQ(mprotect(code, sizeof bytes, PROT_READ | PROT_EXEC), 0);
        heat(code + 64, results[round % 3]);
        heat(code + PAGE - 3, results[(round + 1) % 3]);
        heat(code + 64 + 10 * 600, results[0]);
    }

    // Only the first page is made writable: the site that straddles must be whole in it.
    CHECK_EQ(mprotect(code, PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK(!memcmp(code, bytes, PAGE));
    CHECK_EQ(mprotect(code, PAGE, PROT_READ | PROT_EXEC), 0);
    heat(code + PAGE - 3, CALL(code + PAGE - 3));
    // Only the second.
    CHECK_EQ(mprotect(code + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK(!memcmp(code + PAGE, bytes + PAGE, PAGE));
    CHECK_EQ(mprotect(code + PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(CALL(code + PAGE - 3), CALL(code + PAGE - 3));

    // Writable and executable at once, and only readable.
    heat(code + 64, CALL(code + 64));
    CHECK_EQ(mprotect(code, sizeof bytes, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    CHECK(!memcmp(code, bytes, sizeof bytes));
    emit_call(code + 64, SYS_gettid);
    emit_call(bytes + 64, SYS_gettid);
    heat(code + 64, results[1]);
    CHECK(!memcmp(code, bytes, sizeof bytes));
    CHECK_EQ(mprotect(code, sizeof bytes, PROT_READ | PROT_EXEC), 0);
    heat(code + 64, results[1]);
    if (raw4(SYS_pkey_mprotect, code, sizeof bytes, PROT_READ | PROT_WRITE, -1) == 0) {
        CHECK(!memcmp(code, bytes, sizeof bytes));
        emit_call(code + 64, SYS_getppid);
        emit_call(bytes + 64, SYS_getppid);
        CHECK_EQ(raw4(SYS_pkey_mprotect, code, sizeof bytes, PROT_READ | PROT_EXEC, -1), 0);
        heat(code + 64, results[2]);
    }
    // A failing mprotect changes nothing.
    CHECK_ERR(mprotect(code + 1, PAGE, PROT_READ | PROT_WRITE), EINVAL);
    heat(code + 64, results[2]);
    PASS();
}
