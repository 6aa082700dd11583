// arm: seccomp
// user: root
// static: yes
// Programs with the set-user-ID or set-group-ID bit or file capabilities, executed by an ordinary user:
// natively they have their privilege; under the library (no_new_privs) they run without it. There capabilities are told by
// AT_SECURE all the same, as by the kernel.
#include "exec.h"
#include <linux/capability.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

static int image(char **argv) {
    int privileged = !interposed();
    CHECK_EQ(getuid(), 65534);
    CHECK_EQ(geteuid(), privileged && argv[2][0] == 'u' ? 0 : 65534);
    CHECK_EQ(getegid(), privileged && argv[2][0] == 'g' ? 4 : 65534);
    int told = argv[2][0] == 'c' || argv[2][0] == 'n' || (privileged && argv[2][0] != '-');
    CHECK_EQ(getauxval(AT_SECURE) != 0, told);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK_EQ(syscall(SYS_capget, &header, data), 0);
    CHECK_EQ(data[0].effective >> CAP_SYS_CHROOT & 1, privileged && (argv[2][0] == 'c' || argv[2][0] == 'u'));
    return 3;
}

static void as_nobody(char *what) {
    char *arguments[] = {"program", image_word(), what, NULL};
    CHECK_EQ(setgroups(0, NULL), 0);
    CHECK_EQ(setresgid(65534, 65534, 65534), 0);
    CHECK_EQ(setresuid(65534, 65534, 65534), 0);
    if (*what == 'n') CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    execv("program", arguments);
    _exit(errno);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return image(argv);
    know_self(argv);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && !interposed()) SKIP("no_new_privs is set already");
    int status;
    copy_file(self, "program", 0755);
    IN_CHILD(status, as_nobody("-"));
    CHECK_EQ(status, 3 << 8);
    copy_file(self, "program", 04755);
    IN_CHILD(status, as_nobody("u"));
    CHECK_EQ(status, 3 << 8);
    copy_file(self, "program", 0755);
    CHECK_EQ(chown("program", 0, 4), 0);
    CHECK_EQ(chmod("program", 02755), 0);
    IN_CHILD(status, as_nobody("g"));
    CHECK_EQ(status, 3 << 8);
    copy_file(self, "program", 0755);
    struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, .data[0].permitted = 1 << CAP_SYS_CHROOT};
    if (setxattr("program", "security.capability", &data, sizeof data, 0) == 0) {
        IN_CHILD(status, as_nobody("c"));
        CHECK_EQ(status, 3 << 8);
        IN_CHILD(status, as_nobody("n")); // no_new_privs
        CHECK_EQ(status, 3 << 8);
    }
    PASS();
}
