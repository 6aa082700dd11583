// Shows that what runs before main runs: constructors with their arguments, in order, indirect
// functions, thread-local variables (aligned, large, in libc and in the program), main's arguments,
// atexit and destructors after it.
// forms: pie nopie static static-pie
// form now: -pie -fPIE -Wl,-z,now
// form lazy: -pie -fPIE -Wl,-z,lazy
#include "image.h"

#ifdef IMAGE
static int order, arguments_seen;
static __thread char aligned[100] __attribute__((aligned(256))) = {5}, large[100000];
static __thread int of_thread = 77;

__attribute__((constructor(101))) static void first(int argc, char **argv, char **envp) {
    if (argc == 2 && !strcmp(argv[1], "second") && !strcmp(envp[0], "PLACE=here")) arguments_seen = 1;
    order = order * 10 + 1;
}
__attribute__((constructor(102))) static void second(void) { order = order * 10 + 2; }
__attribute__((constructor)) static void third(void) {
    order = order * 10 + 3;
    raw0(SYS_getppid);
}
__attribute__((destructor)) static void last(void) { SAY("destructor\n"); }
static void at_exit(void) { SAY("atexit\n"); }

static int eleven(void) { return 11; }
static int (*resolve(void))(void) { return eleven; }
int chosen(void) __attribute__((ifunc("resolve")));

int main(int argc, char **argv) {
    CHECK(argc == 2 && arguments_seen && argv[2] == NULL);
    CHECK_EQ(order, 123);
    CHECK_EQ(chosen(), 11);
    CHECK_EQ((uintptr_t)aligned % 256, 0);
    CHECK(aligned[0] == 5 && of_thread == 77 && large[99999] == 0);
    char copy[300];
    memset(copy, 7, sizeof copy);
    CHECK(memchr(copy, 8, sizeof copy) == NULL && strlen(argv[1]) == 6);
    atexit(at_exit);
    return 0;
}
#else
int main(void) {
    char *argv[] = {"image", "second", NULL};
    EACH_FORM(form) IMAGE_PASSES_WITH(form, argv);
    IMAGE_PASSES_WITH("now", argv);
    IMAGE_PASSES_WITH("lazy", argv);
    PASS();
}
#endif
