// static: yes
// An empty or null list of arguments: the kernel (5.18 on) gives the program one empty string.
#include "exec.h"

int main(int argc, char **argv) {
    if (argc <= 1 && (argc == 0 || argv[0][0] == 0)) {
        char *end = (char *)(argv + argc + 1);
        return environ == (char **)end && environ[0] && !strcmp(environ[0], "A=1") && !environ[1] ? 40 + argc : 1;
    }
    know_self(argv);
    char *none[] = {NULL}, *empty[] = {"", NULL}, *environment[] = {"A=1", NULL};
    RUNS_TO(41, execve(self, none, environment));
    RUNS_TO(41, raw3(SYS_execve, self, NULL, environment));
    RUNS_TO(41, raw5(SYS_execveat, AT_FDCWD, self, NULL, environment, 0));
    RUNS_TO(41, execve(self, empty, environment));
    PASS();
}
