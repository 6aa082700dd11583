// Shows that ld.so works when it is executed itself, with a program as its argument; and that it shows
// the auxiliary vector and its statistics when asked by the environment.
// forms: pie nopie
#include "image.h"
#include "layout.h"

#define LD_SO "/lib64/ld-linux-x86-64.so.2"

#ifdef IMAGE
int main(int argc, char **argv) {
    CHECK_EQ(argc, 3);
    CHECK(!strcmp(argv[1], "one") && !strcmp(argv[2], "two"));
    SHOW("  %s", strrchr(argv[0], '/'));
    int by_ld_so = !strcmp((char *)getauxval(AT_EXECFN), LD_SO);
    SHOW("  entry %s", by_ld_so ? "" : "the program's");
    // ld.so tells the program's own entry and headers.
    CHECK_EQ(getauxval(AT_PHDR), (uintptr_t)program_headers());
    CHECK(malloc(100000) && sbrk(PAGE) != (void *)-1);
    struct area heap = area_named("[heap]");
    CHECK(heap.to != 0);
    SHOW("  heap %s", heap.from > (unsigned long)&__ehdr_start ? "above" : "below");
    return 0;
}
#else
// What the command says on both outputs, after the numbers in it were replaced.
static void show_output(const char *variable, const char *path) {
    int pipes[2], status;
    static char text[65536];
    char *argv[] = {(char *)path, "one", "two", NULL}, *envp[] = {(char *)variable, NULL};
    size_t used = 0;
    CHECK_EQ(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 1), dup2(pipes[1], 2);
        close(pipes[0]);
        execve(path, argv, envp);
        _exit(126);
    }
    close(pipes[1]);
    for (ssize_t got; (got = read(pipes[0], text + used, sizeof text - 1 - used)) > 0;) used += got;
    close(pipes[0]);
    CHECK_EQ(waitpid(child, &status, 0), child);
    text[used] = 0;
    SHOW("%s: wait status %#x", variable, status);
    // Of each line the first word, which is a key or a fixed text.
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        line += strspn(line, "\t 0123456789:");
        SHOW("  %.*s", (int)strcspn(line, ":0123456789"), line);
    }
}

int main(void) {
    const char *forms[] = {"pie", "nopie"};
    for (int n = 0; n < 2; n++) {
        char *path = (char *)image(forms[n]), *envp[] = {NULL};
        char *plain[] = {"ld.so", path, "one", "two", NULL}, *named[] = {"ld.so", "--argv0", "/other/name", path, "one", "two", NULL},
             *verify[] = {"ld.so", "--verify", path, NULL};
        CHECK_EQ(run_image(LD_SO, plain, envp), 0);
        CHECK_EQ(run_image(LD_SO, named, envp), 0);
        CHECK_EQ(run_image(LD_SO, verify, envp), 0);
        show_output("LD_SHOW_AUXV=1", path);
        show_output("LD_DEBUG=statistics", path);
        show_output("LD_TRACE_LOADED_OBJECTS=1", path);
    }
    PASS();
}
#endif
