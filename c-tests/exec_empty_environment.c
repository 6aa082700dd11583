// static: yes
// What the child's environment holds does not matter: an empty one, none, another LD_PRELOAD, our
// settings: the child is interposed, its environment is what was given, and so are its children's.
#include "exec.h"

// argv: word, how many more generations, what the environment should be
static int image(char **argv) {
    char text[1000] = "";
    for (char **e = environ; *e; e++) sprintf(text + strlen(text), "%s;", *e);
    if (strcmp(text, argv[3])) fprintf(stderr, "environment: %s, want %s\n", text, argv[3]);
    CHECK(!strcmp(text, argv[3]));
    if (argv[2][0] == '0') return 0;
    argv[2][0]--;
    RUNS(execve(self, argv, environ));
    return 0;
}

static void with(char *want, char **envp) {
    char *arguments[] = {self, image_word(), (char[]){'3', 0}, want, NULL};
    RUNS(execve(self, arguments, envp));
    int status;
    pid_t child;
    CHECK_EQ(posix_spawn(&child, self, NULL, NULL, arguments, envp), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

int main(int argc, char **argv) {
    know_self(argv);
    if (is_image(argc, argv)) return image(argv);
    with("", (char *[]){NULL});
    with("", NULL);
    with("A=1;B=2;", (char *[]){"A=1", "B=2", NULL});
    with("no equals sign;;=;A=1;A=2;", (char *[]){"no equals sign", "", "=", "A=1", "A=2", NULL});
    with("USERTRAP_REWRITE=off;USERTRAP_TOOL=none;", (char *[]){"USERTRAP_REWRITE=off", "USERTRAP_TOOL=none", NULL});
    with("LD_PRELOAD=;", (char *[]){"LD_PRELOAD=", NULL});
    if (getauxval(AT_BASE)) with("LD_PRELOAD=libm.so.6;", (char *[]){"LD_PRELOAD=libm.so.6", NULL});
    char *arguments[] = {"env", "-i", self, image_word(), "1", "", NULL};
    RUNS(execvp("env", arguments));
    arguments[1] = "-u";
    PASS();
}
