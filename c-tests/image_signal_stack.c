// Shows that a new image has no alternate signal stack, that one can be set, and that a handler runs on it.
// forms: pie nopie static static-pie
#include "image.h"

#ifdef IMAGE
static char space[64 << 10];
static volatile uintptr_t seen;

static void handler(int signal) {
    (void)signal;
    seen = (uintptr_t)__builtin_frame_address(0);
}

int main(void) {
    stack_t found = {(void *)9, 9, 9}, mine = {.ss_sp = space, .ss_size = sizeof space};
    CHECK_EQ(sigaltstack(NULL, &found), 0);
    CHECK_EQ(found.ss_flags, SS_DISABLE);
    CHECK_EQ(found.ss_sp, 0);
    CHECK_EQ(found.ss_size, 0);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK(seen < (uintptr_t)&action && seen > (uintptr_t)&action - (64 << 10));
    CHECK_EQ(sigaltstack(&mine, NULL), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK(seen >= (uintptr_t)space && seen < (uintptr_t)space + sizeof space);
    return 0;
}
#else
int main(void) {
    static char space[64 << 10];
    stack_t mine = {.ss_sp = space, .ss_size = sizeof space};
    CHECK_EQ(sigaltstack(&mine, NULL), 0);
    EACH_FORM(form) IMAGE_PASSES(form);
    PASS();
}
#endif
