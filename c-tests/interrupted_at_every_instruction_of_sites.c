// modes: native rewrite load fallback
// A signal comes at every instruction of the way of sites of all forms, warm and at their first call, which may
// rewrite them: what stands before the `syscall` is executed once, and the call is made once or not at all.
#include "interrupt_steps.h"
#include <sys/stat.h>

SITE(number, " mov $95,%eax");
SITE(cold_number, " mov $95,%eax");
SITE(long_number, " mov $95,%rax");
SITE(cold_long_number, " mov $95,%rax");
SITE(replayed, " lea 1(%r12),%r12");
SITE(cold_replayed, " lea 1(%r12),%r12");
SITE(any_number, "");
SITE(cold_any_number, "");
// No padding is behind these: the function ends in an instruction that goes on.
#define SITE_WITHOUT_PADDING(name, ...) SITE_TO("machine_done\n nop", name, __VA_ARGS__)
SITE_WITHOUT_PADDING(span, " {disp32} lea 1(%r12),%r12");
SITE_WITHOUT_PADDING(cold_span, " {disp32} lea 1(%r12),%r12");
extern const char span_of_two_second[], cold_span_of_two_second[];
SITE_WITHOUT_PADDING(span_of_two, " lea 1(%r12),%r12\nspan_of_two_second:\n mov %r10,%r10");
SITE_WITHOUT_PADDING(cold_span_of_two, " lea 1(%r12),%r12\ncold_span_of_two_second:\n mov %r10,%r10");
extern const char span_of_short_second[], cold_span_of_short_second[];
SITE_WITHOUT_PADDING(span_of_short, " lea 1(%r13),%r13\nspan_of_short_second:\n mov %r10,%r10");
SITE_WITHOUT_PADDING(cold_span_of_short, " lea 1(%r13),%r13\ncold_span_of_short_second:\n mov %r10,%r10");
extern const char wake_up_second[], cold_wake_up_second[];
SITE_WITHOUT_PADDING(wake_up, " mov %r9,%r9\nwake_up_second:\n mov %r10,%r10");
SITE_WITHOUT_PADDING(cold_wake_up, " mov %r9,%r9\ncold_wake_up_second:\n mov %r10,%r10");
// No room for any jump.
SITE(refused, " nop");

static void umask_before(void) { umask(022); }
static void umask_look(const ucontext_t *c, int made) {
    (void)c;
    mode_t now = umask(0);
    umask(now);
    CHECK_EQ(now, made ? 027 : 022);
}

int main(void) {
    struct kind kinds[] = {
        {.name = "mov $number,%eax", .site = number, .rax = -1},
        {.name = "mov $number,%eax, first call", .site = cold_number, .rax = -1, .cold = 1, .sparse = 4},
        {.name = "mov $number,%rax", .site = long_number, .rax = -1},
        {.name = "mov $number,%rax, first call", .site = cold_long_number, .rax = -1, .cold = 1, .sparse = 16},
        {.name = "replayed", .site = replayed, .rax = SYS_umask, .counts = R12},
        {.name = "replayed, first call", .site = cold_replayed, .rax = SYS_umask, .counts = R12, .cold = 1, .sparse = 16},
        {.name = "short jump", .site = any_number, .rax = SYS_umask},
        {.name = "short jump, first call", .site = cold_any_number, .rax = SYS_umask, .cold = 1, .sparse = 16},
        {.name = "span", .site = span, .rax = SYS_umask, .counts = R12},
        {.name = "span, first call", .site = cold_span, .rax = SYS_umask, .counts = R12, .cold = 1, .sparse = 16},
        {.name = "span of two", .site = span_of_two, .second = span_of_two_second, .rax = SYS_umask, .counts = R12},
        {.name = "span of two, first call", .site = cold_span_of_two, .second = cold_span_of_two_second, .rax = SYS_umask, .counts = R12, .cold = 1, .sparse = 16},
        {.name = "span of short ones", .site = span_of_short, .second = span_of_short_second, .rax = SYS_umask, .counts = R13},
        {.name = "span of short ones, first call", .site = cold_span_of_short, .second = cold_span_of_short_second, .rax = SYS_umask, .counts = R13, .cold = 1, .sparse = 16},
        {.name = "span that shares a byte", .site = wake_up, .second = wake_up_second, .rax = SYS_umask},
        {.name = "span that shares a byte, first call", .site = cold_wake_up, .second = cold_wake_up_second, .rax = SYS_umask, .cold = 1, .sparse = 16},
        {.name = "refused", .site = refused, .rax = SYS_umask},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].site.call == cold_any_number.call && !interrupt_all()) continue; // 150,000 instructions
        kinds[i].number = SYS_umask;
        kinds[i].want = 022;
        kinds[i].before = umask_before;
        kinds[i].look = umask_look;
        for (int n = 0; n < 6; n++) kinds[i].args[n] = n ? PATTERN : 027;
        interrupt_everywhere(&kinds[i], 0x891, 1 << RETURN | 1 << JUMP);
    }
    PASS();
}
