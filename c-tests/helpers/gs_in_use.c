// A program that uses GS for itself, then loads the library named by LATE_LIB.
#include "../code.h"
#include <asm/prctl.h>
#include <dlfcn.h>

static unsigned long mine[8] = {0, 0x1234};

static void check_gs(void) {
    unsigned long base, word;
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_GET_GS, &base), 0);
    CHECK_EQ(base, (uintptr_t)mine);
    __asm__ volatile("mov %%gs:8,%0" : "=r"(word));
    CHECK_EQ(word, 0x1234);
}

int main(void) {
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_SET_GS, mine), 0);
    check_gs();
    const char *library = getenv("LATE_LIB");
    if (library) {
        void *handle = dlopen(library, RTLD_NOW);
        if (!handle) fprintf(stderr, "%s\n", dlerror());
        CHECK(handle);
    }
    for (int n = 0; n < 100; n++) {
        check_gs();
        CHECK_EQ(syscall(SYS_getpid), raw0(SYS_getpid));
    }
    int status;
    IN_CHILD(status, check_gs());
    CHECK_EQ(status, 0);
    PASS();
}
