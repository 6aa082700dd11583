// static: yes
// Calls that are wrong in two or three ways get the errno of the check that the kernel makes first.
#include "exec.h"

static char huge[40 * PAGE];

int main(void) {
    struct tiny elf = tiny_elf(NULL);
    write_file("program", &elf, sizeof elf, 0755);
    write_file("plain", &elf, sizeof elf, 0644);
    write_text("garbage", "text", 0755);
    write_text("lost", "#!/no/such/interpreter\n", 0755);
    elf = tiny_elf("/no/such/interpreter");
    write_file("orphan", &elf, sizeof elf, 0755);
    memset(huge, 'x', sizeof huge - 1);
    char name[300];
    memset(name, 'n', sizeof name);
    name[299] = 0;
    int busy = open("program", O_WRONLY | O_CLOEXEC), busy_text = open("garbage", O_WRONLY | O_CLOEXEC);
    CHECK(busy >= 0 && busy_text >= 0);

    char *good[] = {"x", NULL}, *too_big[] = {huge, NULL}, *bad[] = {"x", (char *)1, NULL}, **unreadable = (char **)1;
    struct {
        const char *what, *path;
        char **argv;
        int flags;
        const char *of_flags;
    } const paths[] = {
        {"unreadable", (char *)1, good, 0, ""},  {"empty", "", good, 0, ""},          {"long", name, good, 0, ""},
        {"missing", "missing", good, 0, ""},     {"below a file", "plain/x", good, 0, ""}, {"directory", ".", good, 0, ""},
        {"not executable", "plain", good, 0, ""}, {"busy", "program", good, 0, ""},    {"busy text", "garbage", good, 0, ""},
        {"no interpreter", "lost", good, 0, ""}, {"no ld.so", "orphan", good, 0, ""},
    };
    struct {
        const char *what;
        char **list;
    } const lists[] = {{"good", good}, {"too big", too_big}, {"bad string", bad}, {"unreadable", unreadable}, {"null", NULL}};
    static const int flags[] = {0, 1, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_EMPTY_PATH | 2};
    for (unsigned p = 0; p < sizeof paths / sizeof *paths; p++) {
        for (int a = 0; a < 5; a++) {
            for (int e = 0; e < 5; e++) {
                printf("path %s, arguments %s, environment %s:", paths[p].what, lists[a].what, lists[e].what);
                CHECK_EQ(raw3(SYS_execve, paths[p].path, lists[a].list, lists[e].list), -errno_in_vfork(paths[p].path, lists[a].list, lists[e].list));
                for (int f = 0; f < 5; f++) {
                    // A bad descriptor does not matter to most paths that fail otherwise.
                    for (int fd = -1; fd >= AT_FDCWD; fd += AT_FDCWD + 1) {
                        long result = raw5(SYS_execveat, fd, paths[p].path, lists[a].list, lists[e].list, flags[f]);
                        printf(" %s", strerrorname_np((int)-result));
                    }
                }
                puts("");
            }
        }
    }
    PASS();
}
