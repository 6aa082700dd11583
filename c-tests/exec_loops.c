// static: yes
// ELOOP: symbolic links in a circle or more than 40, AT_SYMLINK_NOFOLLOW on one, and scripts whose
// interpreters are scripts more than four deep.
#include "exec.h"

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    char *arguments[] = {"link", image_word(), NULL};
    unlink("circle");
    unlink("to-self");
    CHECK_EQ(symlink("circle", "circle"), 0);
    EXEC_FAILS("circle", ELOOP);
    EXEC_FAILS("circle/below", ELOOP);
    write_text("script", "#!circle\n", 0755);
    EXEC_FAILS("script", ELOOP);
    struct tiny elf = tiny_elf("circle");
    write_file("program", &elf, sizeof elf, 0755);
    EXEC_FAILS("program", ELOOP);

    // A chain of links: 40 are followed.
    char name[40], target[PATH_MAX];
    strcpy(target, self);
    for (int i = 1; i <= 42; i++) {
        sprintf(name, "link-%d", i);
        unlink(name);
        CHECK_EQ(symlink(target, name), 0);
        strcpy(target, name);
    }
    RUNS(execv("link-40", arguments));
    EXEC_FAILS("link-41", ELOOP);
    EXEC_FAILS("link-42", ELOOP);

    CHECK_EQ(symlink(self, "to-self"), 0);
    CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, "to-self", arguments, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
    CHECK_ERR(syscall(SYS_execveat, AT_FDCWD, "circle", arguments, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
    RUNS(syscall(SYS_execveat, AT_FDCWD, "to-self", arguments, environ, 0));
    RUNS(syscall(SYS_execveat, AT_FDCWD, self, arguments, environ, AT_SYMLINK_NOFOLLOW));
    // A script's interpreter is followed all the same.
    write_text("script", "#!to-self\n", 0755);
    RUNS(syscall(SYS_execveat, AT_FDCWD, "script", arguments, environ, AT_SYMLINK_NOFOLLOW));

    // script-N is interpreted by script-N-1, and so on down to this program.
    for (int i = 1; i <= 8; i++) {
        char text[PATH_MAX + 8];
        if (i == 1)
            snprintf(text, sizeof text, "#!%s\n", self);
        else
            snprintf(text, sizeof text, "#!script-%d\n", i - 1);
        sprintf(name, "script-%d", i);
        write_text(name, text, 0755);
    }
    if (strlen(self) < 200) RUNS(execv("script-1", arguments));
    RUNS(execv("script-5", arguments));
    EXEC_FAILS("script-6", ELOOP);
    EXEC_FAILS("script-8", ELOOP);
    PASS();
}
