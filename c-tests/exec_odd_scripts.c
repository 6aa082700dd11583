// static: yes
// First lines that are hardly `#!` lines: spaces, tabs, ends of file, NUL bytes, lines longer than the
// 256 bytes that the kernel reads.
#include "exec.h"

static void tell(const char *what, const char *bytes, size_t length) {
    write_file("script", bytes, length, 0755);
    int status;
    fflush(stdout);
    IN_CHILD(status, {
        execl("script", "script", "given", NULL);
        _exit(errno);
    });
    CHECK(WIFEXITED(status));
    printf("%s: %s\n", what, WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "runs");
}
#define TELL(text) tell(#text, text, sizeof text - 1)

int main(int argc, char **argv) {
    if (!strcmp(argv[0], "./show") || !strcmp(argv[0], "show") || strstr(argv[0], "/show")) {
        for (int i = 0; i < argc; i++) printf("%s[%s]", i ? " " : "  ", strlen(argv[i]) > 60 ? "long" : argv[i]);
        printf("\n");
        return 0;
    }
    know_self(argv);
    unlink("show");
    CHECK_EQ(symlink(self, "show"), 0);
    TELL("#!");
    TELL("#!\n");
    TELL("#! \t \n");
    TELL("#!   ");
    TELL("#!\0./show\n");
    TELL(" #!./show\n");
    TELL("#!./show");
    TELL("#!./show\n");
    TELL("#! \t ./show\n");
    TELL("#!./show \t \n");
    TELL("#!./show one\n");
    TELL("#!./show  one  two\tthree  \n");
    TELL("#!./show\tone\n");
    TELL("#!./show one");
    TELL("#!./show\r\n");
    TELL("#!./show one\r\n");
    TELL("#!./show\0one\n");
    TELL("#!./show one\0two\n");
    TELL("#!./show \0two\n");
    TELL("#!show\n");
    TELL("#!./show \"a b\" 'c'\\ d\n");
    TELL("#!./show -\xff\xfe\n");
    TELL("#! ./show #! ./show\n");
    // Around the 256 bytes: the argument may be cut, the interpreter's path may not.
    for (int length = 250; length <= 262; length++) {
        char line[400], what[40];
        memset(line, 'x', sizeof line);
        memcpy(line, "#!./show ", 9);
        line[length - 1] = '\n';
        sprintf(what, "argument, line of %d", length);
        tell(what, line, sizeof line);
        memcpy(line, "#!", 2);
        memset(line + 2, '/', sizeof line - 2);
        memcpy(line + length - 7, "./show\n", 7);
        line[2] = '.';
        sprintf(what, "path, line of %d", length);
        tell(what, line, sizeof line);
        tell(what, line, (size_t)length - 1); // and no newline
    }
    PASS();
}
