// modes: native trap rewrite fallback stat
// A signal comes at every instruction of fork, vfork and clone, in the parent and in the child: one child is made
// or none, each side has its own result, and signals that come while both are under way wait until they are.
// also: sud vetted
#include "interrupt_steps.h"
#include <sys/stat.h>

SITE_OF_CHILD(forked, " mov $57,%eax");
SITE_OF_CHILD(vforked, " mov $58,%eax");
SITE_OF_CHILD(cloned, " mov $56,%eax");
SITE_OF_CHILD(threaded, " mov $56,%eax");

enum { THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };

static int children(void) {
    int count = 0;
    while (waitpid(-1, NULL, __WALL) > 0) count++;
    CHECK_EQ(errno, ECHILD);
    return count;
}

// The children of earlier calls have gone.
static void before(void) {
    struct stat tasks;
    children();
    do CHECK_EQ(stat("/proc/self/task", &tasks), 0);
    while (tasks.st_nlink != 3);
}

static void look(const ucontext_t *c, int has_been_made) {
    if (copy && !c && kind->side == PARENT && !(kind->args[0] & CLONE_THREAD))
        CHECK_EQ(children(), has_been_made && !has_child);
}

int main(void) {
    struct kind kinds[] = {
        {.name = "fork", .site = forked, .number = SYS_fork},
        {.name = "vfork", .site = vforked, .number = SYS_vfork},
        {.name = "clone", .site = cloned, .number = SYS_clone, .args = {SIGCHLD, 0, 0, 0, 0, PATTERN}},
        {.name = "clone of a thread", .site = threaded, .number = SYS_clone, .args = {THREAD, 0, 0, 0, 0, PATTERN}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct kind *k = &kinds[i];
        char name[64];
        k->rax = 0x7777777777;
        k->before = before;
        k->look = look;
        k->sparse = 4;
        if (!k->args[0])
            for (int n = 0; n < 6; n++) k->args[n] = PATTERN;
        for (int side = PARENT; side <= CHILD; side++) {
            snprintf(name, sizeof name, "%s, the %s", kinds[i].name, side == PARENT ? "parent" : "child");
            struct kind of_side = *k;
            of_side.name = name;
            of_side.side = side;
            of_side.want = side == PARENT ? A_CHILD : 0;
            interrupt_everywhere(&of_side, 0x891, 1 << RETURN | 1 << JUMP);
        }
    }
    PASS();
}
