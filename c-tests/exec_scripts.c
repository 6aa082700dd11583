// static: yes
// `#!` scripts: what arguments the interpreter gets, interpreters that are scripts, relative ones,
// ones found through links; scripts without a list of arguments.
#include "exec.h"

// The image prints its arguments, after checking that it is interposed.
static int show(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("%s[%s]", i ? " " : "", !strncmp(argv[i], "image:", 6) ? "image" : argv[i]);
    puts("");
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return show(argc, argv);
    if (argc == 1 && !strcmp(argv[0], "./show")) return show(argc, argv);
    if (argc == 2 && !strncmp(argv[1], "./", 2)) return show(argc, argv);
    know_self(argv);
    CHECK_EQ(symlink(self, "show"), 0);
    char *word = image_word(), *arguments[] = {"name", word, "last", NULL}, *none[] = {NULL};
    write_text("script", "#!./show\n", 0755);
    write_text("optional", "#!./show one two  three\n", 0755);
    write_text("spaces", "#!  \t./show  \t  one\n", 0755);
    write_text("nested", "#!./optional of nested\n", 0755);
    write_text("deep", "#!./nested of deep\n", 0755);
    RUNS(execv("script", arguments));
    RUNS(execv("./script", arguments));
    RUNS(execv("optional", arguments));
    RUNS(execv("spaces", arguments));
    RUNS(execv("nested", arguments));
    RUNS(execv("deep", arguments));
    RUNS(execlp("./deep", "deep", word, NULL));
    CHECK_EQ(symlink("deep", "link"), 0);
    RUNS(execv("link", arguments));
    RUNS(syscall(SYS_execveat, AT_FDCWD, "deep", arguments, environ, 0));

    // A relative interpreter is relative to the working directory, not to the script.
    CHECK_EQ(mkdir("below", 0755), 0);
    write_text("below/script", "#!./show below\n", 0755);
    RUNS(execv("below/script", arguments));
    CHECK_EQ(chdir("below"), 0);
    EXEC_FAILS("script", ENOENT);
    EXEC_FAILS("../script", ENOENT);
    CHECK_EQ(chdir(".."), 0);

    // No arguments at all: the interpreter gets its own name and the script's.
    RUNS(execv("./script", none));
    RUNS(raw3(SYS_execve, "./script", NULL, environ));

    // Real interpreters.
    write_text("shell", "#!/bin/sh\necho \"$0 $1 $#\"; exit 9\n", 0755);
    RUNS_TO(9, execv("./shell", arguments + 1));
    write_text("env", "#!/usr/bin/env -S sh -e\nfalse\nexit 0\n", 0755);
    RUNS_TO(1, execv("./env", arguments));
    PASS();
}
