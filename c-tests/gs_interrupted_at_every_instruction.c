// modes: native trap rewrite stat
// In a program that uses GS a signal comes at every instruction of a call's way: as in
// interrupted_at_every_instruction, and GS is the application's in the handler and behind it.
#include "interrupt_steps.h"
#include "gs.h"
#include <sys/stat.h>

#define ANY {PATTERN, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN}

SITE(passed, " mov $95,%eax");
SITE(masked, " mov $14,%eax");
SITE(answered, " mov $131,%eax");

static struct gs_block block;
static void use_gs(void) { gs_set(&block, 0x1234); }

static void umask_before(void) {
    use_gs();
    umask(022);
}
static void umask_look(const ucontext_t *c, int made) {
    (void)c;
    CHECK(gs_is(&block));
    mode_t now = umask(0);
    umask(now);
    CHECK_EQ(now, made ? 027 : 022);
    CHECK_GS(&block);
}

static sigset_t urgent, old_mask;
static void mask_before(void) {
    use_gs();
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &urgent, NULL), 0);
}
static void mask_look(const ucontext_t *c, int made) {
    CHECK(gs_is(&block));
    sigset_t now;
    if (c) memcpy(&now, &c->uc_sigmask, 8);
    else CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    CHECK_EQ(sigismember(&now, SIGURG), made && !jumped);
    CHECK_GS(&block);
}

static void answered_look(const ucontext_t *c, int made) {
    (void)c, (void)made;
    CHECK(gs_is(&block));
}

int main(void) {
    struct kind kinds[] = {
        {.name = "passed", .site = passed, .number = SYS_umask, .want = 022, .args = {027, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN},
         .before = umask_before, .look = umask_look},
        {.name = "a mask set", .site = masked, .number = SYS_rt_sigprocmask, .want = 0,
         .args = {SIG_BLOCK, (uintptr_t)&urgent, (uintptr_t)&old_mask, 8, PATTERN, PATTERN}, .before = mask_before, .look = mask_look},
        {.name = "answered", .site = answered, .number = SYS_sigaltstack, .want = -EFAULT,
         .args = {8, 8, PATTERN, PATTERN, PATTERN, PATTERN}, .before = use_gs, .look = answered_look},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        kinds[i].rax = 0x7777777777;
        interrupt_everywhere(&kinds[i], i ? 0x891 : AC | DF | 0x44, 1 << RETURN | 1 << JUMP);
    }
    PASS();
}
