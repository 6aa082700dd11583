// Shows that a jump straight to the `syscall` of a site, with another number in eax, makes
// the call of that number, before and after the site is rewritten.
#include "code.h"

enum { SITES = 64 };

static void enter_at_syscall(unsigned char *site, long number, long want, uint64_t seed) {
    struct regs in, out;
    pattern_regs(&in, seed);
    in.rax = (uint64_t)number;
    call_with(site + 5, &in, &out);
    CHECK_EQ(out.rax, want);
    check_regs(&in, &out, site + 7);
}

int main(void) {
    unsigned char bytes[SITES * 128 + PAGE];
    fill_code(bytes, sizeof bytes);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + 100 + i * 129, SYS_getpid);
    unsigned char *text = map_code(bytes, sizeof bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    long pid = raw0(SYS_getpid), ppid = raw0(SYS_getppid), tid = raw0(SYS_gettid);
    for (int i = 0; i < SITES; i++) {
        unsigned char *site = text + 100 + i * 129;
        // Cold: the first that happens at the site is not what its bytes say.
        enter_at_syscall(site, SYS_getppid, ppid, 1);
        enter_at_syscall(site, SYS_gettid, tid, 2);
        for (int n = 0; n < 4; n++) CHECK_EQ(CALL(site), pid);
        CHECK_SITE(site, SYS_getpid);
        for (int n = 0; n < 4; n++) {
            enter_at_syscall(site, SYS_getppid, ppid, 3);
            enter_at_syscall(site, SYS_getpid, pid, 4);
            enter_at_syscall(site, -1, -ENOSYS, 5);
            enter_at_syscall(site, 100000, -ENOSYS, 6);
            enter_at_syscall(site, (long)(0x700000000ul | SYS_gettid), tid, 7);
            enter_at_syscall(site, SYS_restart_syscall, -EINTR, 8);
            CHECK_EQ(CALL(site), pid);
        }
        CHECK_SITE(site, SYS_getpid);
    }
    PASS();
}
