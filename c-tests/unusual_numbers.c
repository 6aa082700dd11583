// Numbers that no call has, negative ones, those with the x32 bit and those with
// their upper half set are answered as natively (the kernel looks at the lower half).
// also: sud
#include "check.h"

static void say(const char *what, long result) {
    if (result == getpid())
        printf("%s: the pid\n", what);
    else
        printf("%s: %ld\n", what, result);
}

int main(void) {
    for (int round = 0; round < 3; round++) {
        say("600", raw0(600));
        say("1000", raw0(1000));
        say("5000", raw0(5000));
        say("-1", raw0(-1));
        say("0x7fffffff", raw0(0x7fffffff));
        say("0x80000000", raw0(0x80000000));
        say("x32 getpid", raw0(0x40000027));
        say("x32 512", raw0(0x40000200));
        say("512", raw0(512));
        say("547", raw0(547));
        static const long numbers[] = {600,          1000,         5000,         -1,           0xffffffff,   0x7fffffff,
                                       0x80000027,   0x40000027,   0x40000200,   0x100000027,  -4294967257l, 0x7fffffff00000027,
                                       0xdead000000000027, 0x123456789, 0x1ffffffff, -38,       -4095,        -4096, -512, -516,
                                       (long)0x8000000000000000, 386, 420};
        for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            char name[40];
            snprintf(name, sizeof name, "%#lx", numbers[i]);
            say(name, rawreg(numbers[i], 0, 0, 0, 0, 0, 0));
            say(name, syscall(numbers[i], 0, 0, 0, 0, 0, 0));
        }
        for (long number = 490; number < 2000; number++) {
            if (number >= 512 && number <= 547) continue;
            CHECK_EQ(rawreg(number, -1, -1, -1, -1, -1, -1), -ENOSYS);
        }
    }
    PASS();
}
