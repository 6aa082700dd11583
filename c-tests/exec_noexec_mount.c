// user: root
// static: yes
// On a file system that is mounted noexec: EACCES for programs, scripts and interpreters there,
// also by a descriptor; a script there can be read by its interpreter all the same.
#include "exec.h"
#include <sys/mount.h>

int main(void) {
    if (unshare(CLONE_NEWNS) != 0) SKIP("no mount namespace of our own");
    CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    mkdir("noexec", 0755);
    CHECK_EQ(mount("none", "noexec", "tmpfs", MS_NOEXEC, "size=1m"), 0);
    struct tiny elf = tiny_elf(NULL);
    write_file("noexec/program", &elf, sizeof elf, 0755);
    EXEC_FAILS("noexec/program", EACCES);
    write_text("noexec/script", "#!/bin/sh\nexit 3\n", 0755);
    EXEC_FAILS("noexec/script", EACCES);
    RUNS_TO(3, execl("/bin/sh", "sh", "noexec/script", NULL));
    write_text("script", "#!noexec/program\n", 0755);
    EXEC_FAILS("script", EACCES);
    elf = tiny_elf("noexec/program");
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program", EACCES);
    int fd = open("noexec/program", O_PATH);
    CHECK(fd >= 0);
    char *argv[] = {"program", NULL};
    CHECK_ERR(syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH), EACCES);
    CHECK_EQ(close(fd), 0);
    // Mounted otherwise it runs; nosuid and nodev do not matter.
    CHECK_EQ(mount(NULL, "noexec", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, NULL), 0);
    RUNS(execl("noexec/program", "program", NULL));
    RUNS_TO(3, execl("noexec/script", "script", NULL));
    CHECK_EQ(umount("noexec"), 0);
    PASS();
}
