// modes: native trap rewrite fallback stat
// A signal comes at every instruction of a call's way, for calls of many kinds: its handler sees the
// application's code and registers, and returns or jumps away, and the call is made once or not at all.
#include "interrupt_steps.h"
#include <sys/stat.h>

#define ANY {PATTERN, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN}

SITE(passed, " mov $95,%eax");
SITE(masked, " mov $14,%eax");
SITE(answered, " mov $131,%eax");
SITE(unknown, " mov $600,%eax");
SITE(unknown_to_all, " mov $500,%eax");
SITE(parents_number, " mov $110,%eax");
SITE(executed, " mov $59,%eax");
SITE(own_number, " mov $39,%eax");
SITE(own_thread, " mov $186,%eax");
SITE(changing, " mov $80,%eax");
SITE(changing_nowhere, " mov $80,%eax");

static long result_of_500(void) { return raw0(500); }
static long parent_now(void) { return raw0(SYS_getppid); }
static long process_now(void) { return raw0(SYS_getpid); }
static long thread_now(void) { return raw0(SYS_gettid); }
static long number_before;
static void number_look_up(void) { number_before = raw0(SYS_gettid); }

static void umask_before(void) { umask(022); }
static int umask_now(void) {
    mode_t now = umask(0);
    umask(now);
    return (int)now;
}
static void umask_look(const ucontext_t *c, int made) {
    (void)c;
    CHECK_EQ(umask_now(), made ? 027 : 022);
}

static sigset_t urgent, old_mask;
static void mask_before(void) {
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &urgent, NULL), 0);
    memset(&old_mask, 0xee, sizeof old_mask);
}
static void mask_look(const ucontext_t *c, int made) {
    sigset_t now;
    if (c) memcpy(&now, &c->uc_sigmask, 8);
    else CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    CHECK_EQ(sigismember(&now, SIGURG), made && !jumped);
    CHECK_EQ(sigismember(&now, SIGWINCH), 1);
    if (made) CHECK(!memcmp(&old_mask, &before_call, 8));
}

static stack_t other, old_stack;
static char other_stack[64 << 10];
static void stack_before(void) {
    CHECK_EQ(sigaltstack(&alternate, NULL), 0);
    other = (stack_t){.ss_sp = other_stack, .ss_size = sizeof other_stack};
}
static void stack_look(const ucontext_t *c, int made) {
    stack_t now;
    if (c) now = c->uc_stack;
    else CHECK_EQ(sigaltstack(NULL, &now), 0);
    CHECK_EQ(now.ss_sp, made ? other.ss_sp : alternate.ss_sp);
    if (made) CHECK_EQ(old_stack.ss_sp, alternate.ss_sp);
}

// With arguments: the kinds of these names only.
int main(int argc, char **argv) {
    struct kind kinds[] = {
        {.name = "passed", .site = passed, .number = SYS_umask, .want = 022, .args = {027, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN},
         .before = umask_before, .look = umask_look},
        {.name = "a mask set", .site = masked, .number = SYS_rt_sigprocmask, .want = 0,
         .args = {SIG_BLOCK, (uintptr_t)&urgent, (uintptr_t)&old_mask, 8, PATTERN, PATTERN}, .before = mask_before, .look = mask_look},
        {.name = "answered", .site = answered, .number = SYS_sigaltstack, .want = 0,
         .args = {(uintptr_t)&other, (uintptr_t)&old_stack, PATTERN, PATTERN, PATTERN, PATTERN}, .before = stack_before, .look = stack_look},
        {.name = "number 500", .site = unknown_to_all, .number = 500, .wanted = result_of_500, .args = ANY},
        {.name = "getppid", .site = parents_number, .number = SYS_getppid, .wanted = parent_now, .args = ANY},
        {.name = "getpid", .site = own_number, .number = SYS_getpid, .wanted = process_now,
         .copied = &number_before, .args = ANY, .before = number_look_up},
        {.name = "gettid", .site = own_thread, .number = SYS_gettid, .wanted = thread_now,
         .copied = &number_before, .args = ANY, .before = number_look_up},
        {.name = "no exec", .site = executed, .number = SYS_execve, .want = -ENOENT,
         .args = {(uintptr_t)"/nowhere/program", 0, 0, PATTERN, PATTERN, PATTERN}, .sparse = 16},
        {.name = "a path", .site = changing, .number = SYS_chdir, .want = -ENOENT, .once = 1,
         .args = {(uintptr_t)"/nowhere/there", PATTERN, PATTERN, PATTERN, PATTERN, PATTERN}},
        {.name = "no path", .site = changing_nowhere, .number = SYS_chdir, .want = -EFAULT, .once = 1,
         .args = {16, PATTERN, PATTERN, PATTERN, PATTERN, PATTERN}},
        {.name = "unknown", .site = unknown, .number = 600, .want = -ENOSYS, .args = ANY},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int chosen = argc == 1;
        for (int n = 1; n < argc; n++) chosen |= !strcmp(argv[n], kinds[i].name);
        if (!chosen) continue;
        kinds[i].rax = 0x7777777777;
        unsigned all = 1 << RETURN | 1 << JUMP | 1 << SET_CONTEXT | 1 << EDIT, few = 1 << RETURN | 1 << JUMP;
        int is_long = kinds[i].number == SYS_execve && !interrupt_all();
        interrupt_everywhere(&kinds[i], 0x891, is_long ? few : all);
        if (!is_long) interrupt_everywhere(&kinds[i], AC | DF | 0x44, few);
    }
    PASS();
}
