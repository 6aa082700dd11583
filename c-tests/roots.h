// Other roots: trees with what a program needs, and namespaces of one's own.
#ifndef ROOTS_H
#define ROOTS_H
#include "exec.h"
#include <link.h>
#include <sched.h>
#include <sys/mount.h>

static MAYBE_UNUSED void make_directories_of(const char *path) {
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(part, 0755);
        *slash = '/';
    }
}

static MAYBE_UNUSED int copy_library(struct dl_phdr_info *info, size_t size, void *tree) {
    (void)size;
    if (info->dlpi_name[0] != '/' || strstr(info->dlpi_name, "usertrap")) return 0;
    char to[PATH_MAX];
    snprintf(to, sizeof to, "%s%s", (char *)tree, info->dlpi_name);
    make_directories_of(to);
    copy_file(info->dlpi_name, to, 0755);
    return 0;
}

// `tree` with this program at /program and its libraries, and nothing else.
static MAYBE_UNUSED void make_tree(const char *tree) {
    char path[PATH_MAX];
    CHECK_EQ(mkdir(tree, 0755), 0);
    snprintf(path, sizeof path, "%s/program", tree);
    copy_file(self, path, 0755);
    // A static program has no list; what is mapped of a dynamic one is all it needs.
    if (getauxval(AT_BASE)) dl_iterate_phdr(copy_library, (void *)tree);
}

// In a user namespace of our own, if we are an ordinary user; false if there is none to be had.
static MAYBE_UNUSED int as_root_of_namespace(int flags) {
    if (geteuid() == 0) return flags == 0 || unshare(flags) == 0;
    return unshare(CLONE_NEWUSER | flags) == 0;
}
#endif
