// The thread pointer may point at nothing when a call is made: calls at cold and
// warm sites need no thread-local storage of libc.
#include "check.h"
#include <asm/prctl.h>

int main(void) {
    long pid = getpid(), mine = 0, back = 0, first = 0, second = 0, third = 0, fourth = 0, none = 0;
    for (int turn = 0; turn < 100; turn++) {
        static const unsigned long places[] = {0, 8, 0x1000, 0x123456789000, 0x7fffffffe000, 0x7fffffffe008};
        CHECK_EQ(raw2(SYS_arch_prctl, ARCH_GET_FS, &mine), 0);
        unsigned char code[8];
        emit_call(code, SYS_getpid);
        call_fn cold = (call_fn)make_code(code, sizeof code, PROT_READ | PROT_EXEC);
        long errors = raw2(SYS_arch_prctl, ARCH_SET_FS, places[turn % 6]);
        // From here to the second arch_prctl no libc: not even the stack protector.
        first = raw0(SYS_getpid);
        second = rawreg(SYS_getpid, 0, 0, 0, 0, 0, 0);
        third = cold(0, 0, 0);
        fourth = raw0(600);
        none = raw1(SYS_close, -1);
        errors |= raw2(SYS_arch_prctl, ARCH_GET_FS, &back);
        errors |= raw2(SYS_arch_prctl, ARCH_SET_FS, mine);
        CHECK_EQ(errors, 0);
        CHECK_EQ(back, places[turn % 6]);
        CHECK_EQ(first, pid);
        CHECK_EQ(second, pid);
        CHECK_EQ(third, pid);
        CHECK_EQ(fourth, -ENOSYS);
        CHECK_EQ(none, -EBADF);
    }
    PASS();
}
