// modes: native trap rewrite fallback stat
// What comes at every instruction of a call may be a signal that the library needs for itself, one that the
// kernel sends for faults, or one that is ignored by default, and its handler may run on the alternate stack.
#include "interrupt_steps.h"
#include <sys/stat.h>

SITE(passed, " mov $95,%eax");
SITE(masked, " mov $14,%eax");

static sigset_t urgent, old_mask;
static void before(void) {
    umask(022);
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &urgent, NULL), 0);
}
static void look(const ucontext_t *c, int has_been_made) {
    sigset_t mask;
    if (kind->number == SYS_umask) {
        mode_t now = umask(0);
        umask(now);
        CHECK_EQ(now, has_been_made ? 027 : 022);
    } else if (c) {
        memcpy(&mask, &c->uc_sigmask, 8);
        CHECK_EQ(sigismember(&mask, SIGURG), has_been_made);
    }
    if (!c) return;
    char here;
    CHECK_EQ(&here > alternate_memory && &here < alternate_memory + sizeof alternate_memory, on_stack);
    CHECK_EQ(c->uc_stack.ss_sp, alternate.ss_sp);
    CHECK_EQ(c->uc_stack.ss_flags, 0);
}

int main(void) {
    struct kind kinds[] = {
        {.name = "passed", .site = passed, .number = SYS_umask, .want = 022, .args = {027, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN}},
        {.name = "a mask set", .site = masked, .number = SYS_rt_sigprocmask, .want = 0,
         .args = {SIG_BLOCK, (uintptr_t)&urgent, (uintptr_t)&old_mask, 8, PATTERN, PATTERN}},
    };
    static const int signals[] = {SIGSYS, SIGILL, SIGSEGV, SIGTERM, SIGCHLD};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t n = 0; n < sizeof signals / sizeof *signals; n++) {
            kinds[i].rax = 0x7777777777;
            kinds[i].before = before;
            kinds[i].look = look;
            the_signal = signals[n];
            on_stack = n % 2;
            fprintf(stderr, "signal %d%s: ", the_signal, on_stack ? ", alternate stack" : "");
            interrupt_everywhere(&kinds[i], 0x891, 1 << RETURN);
        }
    PASS();
}
