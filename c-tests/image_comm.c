// Shows what a new image is called: the last part of the name that exec got, 15 bytes of it, in
// PR_GET_NAME, /proc/self/comm, stat and status, seen the same by others; a name set before is gone.
// For a script it is the script's; for a descriptor as the kernel has it.
// forms: pie static
#include "image.h"
#include "proc_file.h"
#include <sys/prctl.h>
#include <sys/stat.h>

#ifdef IMAGE
int main(void) {
    char name[16], path[64], want[64];
    CHECK_EQ(prctl(PR_GET_NAME, name), 0);
    snprintf(want, sizeof want, "%s\n", name);
    CHECK(!strcmp(whole_file("/proc/self/comm", NULL), want));
    CHECK(!strcmp(whole_file("/proc/thread-self/comm", NULL), want));
    CHECK(!strcmp(status_line("Name"), name));
    snprintf(want, sizeof want, "%d (%s) R", getpid(), name);
    CHECK(!strncmp(whole_file("/proc/self/stat", NULL), want, strlen(want)));
    SHOW("  %s", name);
    // A child keeps the name until it is another image; others see it.
    int status;
    snprintf(path, sizeof path, "/proc/%d/comm", getpid());
    snprintf(want, sizeof want, "%s\n", name);
    IN_CHILD(status, {
        CHECK(!strcmp(whole_file(path, NULL), want));
        CHECK(!strcmp(whole_file("/proc/self/comm", NULL), want));
    });
    CHECK_EQ(status, 0);
    return 0;
}
#else
#define SHOWS(call)                                                    \
    do {                                                               \
        char *argv[] = {"other", NULL}, *envp[] = {"A=1", NULL};       \
        int status_;                                                   \
        SHOW("%s", strchr(#call, '('));                                \
        IN_CHILD(status_, prctl(PR_SET_NAME, "before"); call; _exit(errno)); \
        CHECK_EQ(status_, 0);                                          \
    } while (0)

static void run(const char *form) {
    static const char *names[] = {"short", "exactly15bytes_", "one.that.is.longer.than.fifteen", "with blank (x) y", NULL};
    mkdir("directory", 0755);
    for (int n = 0; names[n]; n++) {
        unlink(names[n]);
        CHECK_EQ(symlink(image(form), names[n]), 0);
        SHOW("%s", names[n]);
        SHOWS(execve(names[n], argv, envp));
    }
    unlink("script");
    int script = open("script", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK(dprintf(script, "#!%s\n", image(form)) > 0);
    CHECK_EQ(close(script), 0);
    int here = open(".", O_RDONLY | O_DIRECTORY), file = open("short", O_RDONLY), text = open("script", O_RDONLY);
    SHOWS(execve("directory/..//short", argv, envp));
    SHOWS(execve("./script", argv, envp));
    SHOWS(raw5(SYS_execveat, here, "short", argv, envp, 0));
    SHOWS(raw5(SYS_execveat, file, "", argv, envp, AT_EMPTY_PATH));
    SHOWS(fexecve(file, argv, envp));
    SHOWS(raw5(SYS_execveat, text, "", argv, envp, AT_EMPTY_PATH));
    close(here), close(file), close(text);
}

int main(void) {
    run("pie");
    run("static");
    PASS();
}
#endif
