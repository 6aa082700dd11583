// Shows that AT_EXECFN is the string that exec got: absolute, relative, through a link, with odd
// slashes; the script's for a script; /dev/fd/N for a descriptor, /dev/fd/N/name below a directory's.
// forms: pie static
#include "image.h"
#include <sys/auxv.h>
#include <sys/stat.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    const char *got = (char *)getauxval(AT_EXECFN), *want = argv[argc - 1];
    if (strcmp(got, want)) fprintf(stderr, "AT_EXECFN is \"%s\", want \"%s\"\n", got, want);
    CHECK(!strcmp(got, want));
    return 0;
}
#else
// Executes it by that call, with what AT_EXECFN shall be as the last argument.
#define GIVES(want, call)                                    \
    do {                                                     \
        char *argv[] = {"image", (char *)(want), NULL}, *envp[] = {"A=1", NULL}; \
        int status_;                                         \
        IN_CHILD(status_, call; _exit(errno););              \
        CHECK_EQ(status_, 0);                                \
    } while (0)

static void run(const char *form) {
    char text[256];
    unlink("file"), unlink("link"), unlink("script");
    mkdir("directory", 0755);
    CHECK_EQ(symlink(image(form), "link"), 0);
    GIVES(image(form), execve(image(form), argv, envp));
    GIVES("link", execve("link", argv, envp));
    GIVES("./link", execve("./link", argv, envp));
    GIVES(".//directory/..///link", execve(".//directory/..///link", argv, envp));
    int here = open(".", O_RDONLY | O_DIRECTORY), fd = open("link", O_RDONLY | O_CLOEXEC), path = open("link", O_PATH);
    CHECK(here >= 0 && fd >= 0 && path >= 0);
    GIVES("link", raw5(SYS_execveat, AT_FDCWD, "link", argv, envp, 0));
    GIVES(image(form), raw5(SYS_execveat, here, image(form), argv, envp, 0));
    snprintf(text, sizeof text, "/dev/fd/%d/link", here);
    GIVES(text, raw5(SYS_execveat, here, "link", argv, envp, 0));
    snprintf(text, sizeof text, "/dev/fd/%d", fd);
    GIVES(text, raw5(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
    GIVES(text, fexecve(fd, argv, envp));
    snprintf(text, sizeof text, "/dev/fd/%d", path);
    GIVES(text, raw5(SYS_execveat, path, "", argv, envp, AT_EMPTY_PATH));
    snprintf(text, sizeof text, "/proc/self/fd/%d", path);
    GIVES(text, execve(text, argv, envp));
    close(here), close(fd), close(path);

    int script = open("script", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(dprintf(script, "#!%s\n", image(form)) > 0);
    CHECK_EQ(close(script), 0);
    GIVES("./script", execve("./script", argv, envp));
    GIVES("directory/../script", execve("directory/../script", argv, envp));
}

int main(void) {
    run("pie");
    run("static");
    PASS();
}
#endif
