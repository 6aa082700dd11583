// For tests of what a new image sees: the source is compiled twice. With IMAGE it is the image
// (its forms are named by lines `// forms: ...`, see ./forms), without it is the test, which
// executes them. Natively and under the library the same must hold.
#ifndef IMAGE_H
#define IMAGE_H

#include "check.h"

// Prints what the image found; the runner compares it with the native run.
#define SHOW(...)             \
    do {                      \
        printf(__VA_ARGS__);  \
        putchar('\n');        \
    } while (0)

#ifndef IMAGE

// The path of form `name`: forms/TEST.name beside the running program.
static MAYBE_UNUSED const char *image(const char *name) {
    static char paths[8][4096];
    static unsigned turn;
    char *path = paths[turn++ % 8], test[256];
    const char *slash = strrchr(program_invocation_name, '/'), *base = strrchr(__BASE_FILE__, '/');
    snprintf(test, sizeof test, "%s", base ? base + 1 : __BASE_FILE__);
    *strrchr(test, '.') = 0;
    snprintf(path, sizeof paths[0], "%.*s/forms/%s.%s", slash ? (int)(slash - program_invocation_name) : 1,
             slash ? program_invocation_name : ".", test, name);
    return path;
}

// Runs an image to its end: the wait status.
static MAYBE_UNUSED int run_image(const char *path, char *const *argv, char *const *envp) {
    int status;
    IN_CHILD(status, {
        execve(path, argv, envp);
        fprintf(stderr, "execve %s: %s\n", path, strerror(errno));
        _exit(126);
    });
    return status;
}

// The image of that form, with the argument list `argv` and an environment of one string, ends with status 0.
#define IMAGE_PASSES_WITH(form, argv)                                             \
    do {                                                                          \
        char *env_[] = {"PLACE=here", NULL};                                      \
        int status_ = run_image(image(form), (argv), env_);                       \
        if (status_) fprintf(stderr, "form %s: wait status %#x\n", form, status_); \
        CHECK_EQ(status_, 0);                                                     \
    } while (0)
#define IMAGE_PASSES(form)              \
    do {                                \
        char *argv_[] = {"image", NULL}; \
        IMAGE_PASSES_WITH(form, argv_); \
    } while (0)

// For each of the usual forms.
#define EACH_FORM(form)                                                                                 \
    for (const char *forms_[] = {"pie", "nopie", "static", "static-pie"}, **at_ = forms_, *form;        \
         at_ < forms_ + 4 && (form = *at_); at_++)

// For a dynamic and a static one.
#define DYNAMIC_AND_STATIC(form)                                                                      \
    for (const char *forms_[] = {"pie", "static"}, **at_ = forms_, *form; at_ < forms_ + 2 && (form = *at_); at_++)

#endif
#endif
