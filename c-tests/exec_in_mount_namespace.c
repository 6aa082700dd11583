// without: guest
// static: yes
// In a mount namespace where every place to write is mounted noexec and /proc is covered, programs are
// executed as ever; the same in a new pid namespace, where the image is process 1.
#include "roots.h"

static char *arguments[] = {"program", NULL, "other", NULL}, *nothing[] = {NULL};

static void inside(void) {
    static const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm", "/run", "/dev", "/proc", "/sys"};
    int program = open(self, O_RDONLY | O_CLOEXEC);
    CHECK(program >= 0);
    if (!as_root_of_namespace(CLONE_NEWNS)) {
        CHECK(!interposed());
        _exit(77);
    }
    CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    for (int i = 0; i < 7; i++)
        if (access(places[i], F_OK) == 0) CHECK_EQ(mount("none", places[i], "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV, "size=64k"), 0);
    for (int i = 0; i < 3; i++) RUNS_TO(3, syscall(SYS_execveat, program, "", arguments, nothing, AT_EMPTY_PATH));
    _exit(0);
}

static void first_process(void) {
    int program = open(self, O_RDONLY | O_CLOEXEC), status;
    if (!as_root_of_namespace(CLONE_NEWPID)) _exit(77);
    arguments[2] = "first";
    IN_CHILD(status, {
        CHECK_EQ(getpid(), 1);
        syscall(SYS_execveat, program, "", arguments, nothing, AT_EMPTY_PATH);
        _exit(errno);
    });
    CHECK_EQ(status, 4 << 8);
    _exit(0);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        if (argv[2][0] == 'o') return 3;
        CHECK_EQ(getpid(), 1);
        CHECK_EQ(syscall(SYS_gettid), 1);
        return 4;
    }
    know_self(argv);
    arguments[1] = image_word();
    int status;
    IN_CHILD(status, inside());
    if (status == 77 << 8) SKIP("no namespace to be had");
    CHECK_EQ(status, 0);
    IN_CHILD(status, first_process());
    CHECK_EQ(status, 0);
    PASS();
}
