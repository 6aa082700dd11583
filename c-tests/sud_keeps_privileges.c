// Programs with the set-user-ID or set-group-ID bit or file capabilities, executed by an ordinary user under Syscall User
// Dispatch: they have their privilege, and run natively; without privilege (no such bit, no_new_privs, the same user, a
// filter of the application's own) they are interposed.
// modes: native sud
// user: root
#include "own_filter.h"
#include <grp.h>
#include <linux/capability.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/xattr.h>

extern char **environ;

static int under_us(void) {
    const char *mode = getenv("C_TESTS_MODE");
    return mode && !strncmp(mode, "sud", 3);
}

// Whether our image is there, at its fixed address.
static int is_interposed(void) {
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps)) found |= !strncmp(line, "58000000", 8);
    fclose(maps);
    return found;
}

static int image(const char *what) {
    int privileged = strchr("ugc", what[0]) != NULL;
    CHECK_EQ(getuid(), 65534);
    CHECK_EQ(geteuid(), what[0] == 'u' ? 0 : 65534);
    CHECK_EQ(getegid(), what[0] == 'g' ? 4 : 65534);
    if (what[1] != 'N') CHECK_EQ(getauxval(AT_SECURE) != 0, privileged);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK_EQ(syscall(SYS_capget, &header, data), 0);
    CHECK_EQ(data[0].effective >> CAP_SYS_CHROOT & 1, what[0] == 'c' || what[0] == 'u');
    CHECK_EQ(is_interposed(), under_us() && !privileged);
    return 3;
}

static void as_nobody(char *what) {
    char *arguments[] = {"program", "image", what, NULL};
    CHECK_EQ(setgroups(0, NULL), 0);
    CHECK_EQ(setresgid(65534, 65534, 65534), 0);
    CHECK_EQ(setresuid(65534, 65534, 65534), 0);
    if (what[0] == '-' && (what[1] | 32) == 'n') CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (what[0] == '-' && what[1] == 'f') decide(SYS_getpgrp, SECCOMP_RET_ERRNO | 5);
    if (what[1] == 's') {
        // By posix_spawn, which is vfork.
        pid_t child;
        int status;
        CHECK_EQ(posix_spawn(&child, "program", NULL, NULL, arguments, environ), 0);
        CHECK_EQ(waitpid(child, &status, 0), child);
        _exit(WEXITSTATUS(status));
    }
    execv("program", arguments);
    _exit(errno);
}

static void runs(char *what) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) as_nobody(what);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 3 << 8);
}

static void copy(const char *from, unsigned owner, unsigned group, unsigned mode) {
    char buffer[65536];
    ssize_t len;
    unlink("program");
    int in = open(from, O_RDONLY), out = open("program", O_WRONLY | O_CREAT | O_EXCL, 0700);
    CHECK(in >= 0 && out >= 0);
    while ((len = read(in, buffer, sizeof buffer)) > 0) CHECK_EQ(write(out, buffer, len), len);
    CHECK_EQ(fchown(out, owner, group), 0);
    CHECK_EQ(fchmod(out, mode), 0);
    close(in);
    close(out);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "image")) return image(argv[2]);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && !under_us()) SKIP("no_new_privs is set already");
    static const struct {
        unsigned owner, group, mode;
        char *what;
    } cases[] = {
        {0, 0, 0755, "-"},        {0, 0, 04755, "u"},      {0, 0, 04755, "us"},         {0, 4, 02755, "g"},
        {0, 4, 02745, "-"},       {65534, 0, 04755, "-"},  {0, 65534, 02755, "-"},      {0, 0, 04755, "-n"},
        {0, 0, 04755, "-f"},      {0, 0, 04755, "u"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        copy(argv[0], cases[i].owner, cases[i].group, cases[i].mode);
        runs(cases[i].what);
    }
    copy(argv[0], 0, 0, 0755);
    struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, .data[0].permitted = 1 << CAP_SYS_CHROOT};
    if (setxattr("program", "security.capability", &data, sizeof data, 0) == 0) {
        runs("c");
        // Natively AT_SECURE is set even so.
        runs("-N");
    }
    PASS();
}
