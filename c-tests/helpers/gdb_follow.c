// What gdb follows: a fork, whose child makes calls, as its parent does ("fork quietly": which then says nothing), or an
// exec of the program that is named.
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile long value;

__attribute__((noinline)) static long in_child(void) {
    value = getpid() > 0;
    value += getppid() > 0;
    return value;
}

__attribute__((noinline)) static long in_parent(void) {
    value = 7;
    value += getpid() > 0;
    return value;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "exec")) {
        value = getpid() > 0;
        execl(argv[2], argv[2], NULL);
        return 1;
    }
    for (int i = 0; i < 3; i++) value = getppid();
    pid_t child = fork();
    if (child == 0) _exit((int)in_child());
    long got = in_parent();
    int status;
    waitpid(child, &status, 0);
    if (argc == 2) printf("parent %ld, child %d\n", got, WEXITSTATUS(status));
    return 0;
}
