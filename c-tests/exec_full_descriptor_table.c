// without: guest
// static: yes
// With every descriptor in use programs and scripts are executed as ever, and refused ones get their
// own errno, not EMFILE. Only where the hard limit is reached too, and no descriptor can be had at
// all, the library, which has to open what it loads, answers EMFILE.
#include "exec.h"
#include <sys/resource.h>

static void works(void) {
    char *arguments[] = {"program", image_word(), NULL};
    RUNS(execv(self, arguments));
    RUNS(syscall(SYS_execveat, AT_FDCWD, self, arguments, environ, 0));
    RUNS(execv("script", arguments));
    RUNS(execv("tiny", arguments));
    RUNS(syscall(SYS_execveat, 3, "", arguments, environ, AT_EMPTY_PATH));
    EXEC_FAILS("missing", ENOENT);
    EXEC_FAILS("plain", EACCES);
    EXEC_FAILS("text", ENOEXEC);
    EXEC_FAILS("orphan", ENOENT);
    EXEC_FAILS("lost", ENOENT);
    CHECK_ERR(dup(1), EMFILE); // and nothing has made room
}

static void works_or_not(void) {
    if (!interposed()) {
        works();
        return;
    }
    EXEC_FAILS("tiny", EMFILE);
    EXEC_FAILS("script", EMFILE);
    EXEC_FAILS("missing", ENOENT);
    EXEC_FAILS("plain", EACCES);
    CHECK_ERR(dup(1), EMFILE);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) _exit(0);
    know_self(argv);
    // ld.so needs descriptors of its own: without them only images that load nothing can be run.
    if (getauxval(AT_BASE)) strcpy(self, "tiny");
    char text[PATH_MAX + 8];
    snprintf(text, sizeof text, "#!%s\n", self);
    write_text("script", text, 0755);
    struct tiny elf = tiny_elf(NULL);
    write_file("tiny", &elf, sizeof elf, 0755);
    write_file("plain", &elf, sizeof elf, 0644);
    write_text("text", "text", 0755);
    write_text("lost", "#!/no/such/interpreter\n", 0755);
    elf = tiny_elf("/no/such/ld.so");
    write_file("orphan", &elf, sizeof elf, 0755);
    CHECK_EQ(dup2(open("tiny", O_RDONLY), 3), 3);
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK(limit.rlim_max > 80);
    limit.rlim_cur = 64;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int fd = 4; fd < 64; fd++) {
        if (fcntl(fd, F_GETFD) < 0) CHECK_EQ(fcntl(1, F_DUPFD, fd), fd);
    }
    works();
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_EQ(limit.rlim_cur, 64); // as it was
    limit.rlim_max = 64;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    works_or_not();
    for (int fd = 4; fd < 64; fd++) CHECK_EQ(close(fd), 0);
    limit = (struct rlimit){0, 0};
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    works_or_not();
    PASS();
}
