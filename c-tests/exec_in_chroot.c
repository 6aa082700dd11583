// without: guest
// static: yes
// In a chroot that has neither /proc nor /dev nor any file of ours, programs, scripts and descriptors
// of files outside are executed, and the images are interposed.
#include "roots.h"

static char *arguments[] = {"program", NULL, NULL}, *nothing[] = {NULL};

static void inside(void) {
    int outside = open(self, O_RDONLY), path = open(self, O_PATH);
    CHECK(outside >= 0 && path >= 0);
    if (!as_root_of_namespace(0) || chroot("tree") != 0 || chdir("/") != 0) {
        CHECK(!interposed());
        _exit(77);
    }
    CHECK_ERR(open("/proc/self/maps", O_RDONLY), ENOENT);
    EXEC_FAILS("/bin/true", ENOENT);
    RUNS_TO(3, execve("/program", arguments, nothing));
    RUNS_TO(3, execve("program", arguments, nothing));
    RUNS_TO(3, execve("/script", arguments, nothing));
    RUNS_TO(3, syscall(SYS_execveat, outside, "", arguments, nothing, AT_EMPTY_PATH));
    // One that was opened with O_PATH cannot be read without /proc, which we would have to.
    RUNS_TO(interposed() ? ENOENT : 3, syscall(SYS_execveat, path, "", arguments, nothing, AT_EMPTY_PATH));
    int script = open("/script", O_RDONLY), status;
    // /dev/fd/N is there only by its name: the interpreter gets it all the same.
    IN_CHILD(status, {
        syscall(SYS_execveat, script, "", arguments, nothing, AT_EMPTY_PATH);
        _exit(errno);
    });
    CHECK_EQ(status, 3 << 8);
    // An image that executes again.
    arguments[0] = "again";
    RUNS_TO(3, execve("/program", arguments, nothing));
    _exit(0);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        if (strcmp(argv[0], "again")) return 3;
        argv[0] = "program";
        execve("/program", argv, nothing);
        return errno;
    }
    know_self(argv);
    arguments[1] = image_word();
    make_tree("tree");
    write_text("tree/script", "#!/program\n", 0755);
    int status;
    IN_CHILD(status, inside());
    if (status == 77 << 8) SKIP("no chroot to be had");
    CHECK_EQ(status, 0);
    PASS();
}
