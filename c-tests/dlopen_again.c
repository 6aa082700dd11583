// Shows that objects which are loaded, called, unloaded and loaded again 2,000 times, other
// content at the same address included, make their own calls each time.
// cflags: -ldl
// also: load
#include "so.h"

enum { ROUNDS = 2000, OBJECTS = 4 };

int main(void) {
    static const unsigned char code[OBJECTS][24] = {
        {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3},
        {0xb8, SYS_gettid, 0, 0, 0, 0x0f, 0x05, 0xc3},
        {0x6a, SYS_getppid, 0x58, 0x90, 0x90, 0x0f, 0x05, 0xc3},       // the same place, the number by push and pop
        {0xba, 7, 0, 0, 0, 0xb8, SYS_getuid, 0, 0, 0, 0x0f, 0x05, 0xc3}, // five bytes further
    };
    long results[OBJECTS] = {raw0(SYS_getpid), raw0(SYS_gettid), raw0(SYS_getppid), raw0(SYS_getuid)};
    static unsigned char so[SO_SIZE];
    char path[OBJECTS][256], name[32];
    for (int i = 0; i < OBJECTS; i++) {
        snprintf(name, sizeof name, "object-%d", i);
        make_so(so, code[i], i == 3 ? 13 : 8, 0x200, name);
        write_so(path[i], so);
    }
    long (*site)(void) = NULL, (*last)(void);
    int same_address = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int which = (round / 3 + round) % OBJECTS;
        void *object = dlopen(path[which], RTLD_NOW | RTLD_LOCAL);
        if (!object) fprintf(stderr, "%s\n", dlerror());
        CHECK(object);
        last = site;
        site = __extension__(long (*)(void))dlsym(object, "site");
        CHECK(site);
        same_address += site == last;
        for (int n = 0; n < 6; n++) CHECK_EQ(site(), results[which]);
        CHECK_EQ(dlclose(object), 0);
    }
    for (int i = 0; i < OBJECTS; i++) CHECK_EQ(unlink(path[i]), 0);
    CHECK(same_address > ROUNDS / 2);
    PASS();
}
