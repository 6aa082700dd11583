// A program that its user may execute and not read, by its own name and as an interpreter, under Syscall User Dispatch:
// it runs natively, as it does without us.
// modes: native sud
#include "check.h"
#include <sys/stat.h>

static char self[4096];

static void make(const char *name, unsigned mode) {
    char buffer[65536];
    ssize_t len;
    int in = open(self, O_RDONLY), out = open(name, O_WRONLY | O_CREAT | O_EXCL, 0700);
    CHECK(in >= 0 && out >= 0);
    while ((len = read(in, buffer, sizeof buffer)) > 0) CHECK_EQ(write(out, buffer, len), len);
    CHECK_EQ(fchmod(out, mode), 0);
    close(in);
    close(out);
}

static void runs(const char *name) {
    pid_t child = fork();
    if (child == 0) {
        execl(name, name, "image", NULL);
        _exit(errno);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 3 << 8);
}

int main(int argc, char **argv) {
    if (argc > 1) return 3;
    CHECK(realpath(argv[0], self) != NULL);
    make("program", 0111);
    runs("./program");
    int script = open("script", O_WRONLY | O_CREAT, 0755);
    CHECK(dprintf(script, "#!./program\n") > 0);
    close(script);
    runs("./script");
    CHECK_EQ(chmod("program", 0444), 0);
    pid_t child = fork();
    if (child == 0) {
        execl("./program", "program", NULL);
        _exit(errno == EACCES ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    PASS();
}
