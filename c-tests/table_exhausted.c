// Shows that 9,000 sites, more than the table has slots for, are all served rightly; those that
// find no slot go on trapping, and children of the process have their own.
#include "code.h"

enum { SITES = 9000, EACH = 3 };

int main(void) {
    size_t size = (size_t)SITES * 64;
    size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    fill_code(bytes, size);
    static const int numbers[] = {SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_getgid};
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + (size_t)i * 64 + 20, numbers[i % 5]);
    unsigned char *text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    long results[] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid), raw0(SYS_getuid), raw0(SYS_getgid)};
    struct regs in, out;
    for (int n = 0; n < EACH; n++)
        for (int i = 0; i < SITES; i++) {
            unsigned char *site = text + (size_t)i * 64 + 20;
            pattern_regs(&in, (uint64_t)i);
            call_with(site, &in, &out);
            CHECK_EQ(out.rax, results[i % 5]);
            check_regs(&in, &out, site + 7);
        }
    // Each site is either whole in its old form or whole in its new one.
    int rewritten = 0;
    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + (size_t)i * 64 + 20;
        if (is_rewritten(site)) rewritten++;
        else CHECK(is_original(site, numbers[i % 5]));
    }
    if (rewriting()) CHECK(rewritten > 1000);
    else CHECK_EQ(rewritten, 0);
    int status;
    IN_CHILD(status, for (int i = 0; i < SITES; i += 7) if (i % 5 > 2) CHECK_EQ(CALL(text + (size_t)i * 64 + 20), results[i % 5]));
    CHECK_EQ(status, 0);
    PASS();
}
