// Shows that /proc/self/cmdline and /proc/self/environ are the new image's strings: the same bytes,
// from its memory (a change shows), seen the same by its parent.
// forms: pie nopie static static-pie
#include "image.h"
#include "proc_file.h"

static void same_file(const char *path, const char *want, size_t want_length) {
    size_t length;
    char *text = whole_file(path, &length);
    if (length != want_length) fprintf(stderr, "%s: \"%s\"...\n", path, text);
    CHECK_EQ(length, want_length);
    CHECK(!memcmp(text, want, length));
    free(text);
}

#define ARGUMENTS "image\0\0two\0three three"
#define ENVIRONMENT "A=1\0\0B=22\0\1\2\377"

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    char byte;
    CHECK_EQ(argc, 4);
    same_file("/proc/self/cmdline", ARGUMENTS, sizeof ARGUMENTS);
    same_file("/proc/self/environ", ENVIRONMENT, sizeof ENVIRONMENT);
    SAY("!");
    CHECK_EQ(read(0, &byte, 1), 1);
    memcpy(argv[2], "2wo", 3);
    envp[0][2] = '7';
    same_file("/proc/self/cmdline", "image\0\0" "2wo\0three three", sizeof ARGUMENTS);
    same_file("/proc/self/environ", "A=7\0\0B=22\0\1\2\377", sizeof ENVIRONMENT);
    SAY("!");
    CHECK_EQ(read(0, &byte, 1), 1);
    return 0;
}
#else
int main(void) {
    char *argv[] = {"image", "", "two", "three three", NULL}, *envp[] = {"A=1", "", "B=22", "\1\2\377", NULL};
    EACH_FORM(form) {
        int to[2], from[2], status;
        char byte, path[64];
        CHECK_EQ(pipe(to) | pipe(from), 0);
        pid_t child = fork();
        if (child == 0) {
            dup2(to[0], 0), dup2(from[1], 1);
            close(to[1]), close(from[0]);
            execve(image(form), argv, envp);
            _exit(126);
        }
        close(to[0]), close(from[1]);
        CHECK_EQ(read(from[0], &byte, 1), 1);
        snprintf(path, sizeof path, "/proc/%d/cmdline", child);
        same_file(path, ARGUMENTS, sizeof ARGUMENTS);
        snprintf(path, sizeof path, "/proc/%d/environ", child);
        same_file(path, ENVIRONMENT, sizeof ENVIRONMENT);
        CHECK_EQ(write(to[1], "", 1), 1);
        CHECK_EQ(read(from[0], &byte, 1), 1);
        snprintf(path, sizeof path, "/proc/%d/cmdline", child);
        same_file(path, "image\0\0" "2wo\0three three", sizeof ARGUMENTS);
        CHECK_EQ(write(to[1], "", 1), 1);
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        close(to[1]), close(from[0]);
    }
    PASS();
}
#endif
