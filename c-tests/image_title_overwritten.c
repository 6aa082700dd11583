// Shows that an image may write a title over its arguments, and on over its environment, as
// setproctitle does: /proc/self/cmdline then shows it to its end.
// forms: pie static
#include "image.h"
#include "proc_file.h"

#ifdef IMAGE
static void title(const char *want) {
    size_t length;
    char *text = whole_file("/proc/self/cmdline", &length);
    if (strcmp(text, want)) fprintf(stderr, "cmdline: \"%s\", %zu bytes\n", text, length);
    CHECK(!strcmp(text, want));
    SHOW("%zu bytes", length);
}

int main(int argc, char **argv, char **envp) {
    CHECK_EQ(argc, 2);
    char *end = argv[1] + strlen(argv[1]) + 1;
    CHECK_EQ(envp[0], end);
    size_t room = end - argv[0];
    // Short enough for the arguments' room.
    memset(argv[0], 0, room);
    memcpy(argv[0], "short", 5);
    title("short");
    // Longer, without a zero at its end: the environment's room is the title's too.
    const char *text = "a title that is longer than the arguments of this image were";
    CHECK(strlen(text) > room && strlen(text) < room + strlen(envp[0]));
    strcpy(argv[0], text);
    title(text);
    // Up to the environment's end.
    char *last = envp[0] + strlen(envp[0]);
    memset(argv[0], 'x', last - argv[0]);
    size_t length;
    char *all = whole_file("/proc/self/cmdline", &length);
    CHECK_EQ(strlen(all), last - argv[0]);
    return 0;
}
#else
int main(void) {
    char *argv[] = {"image", "argument", NULL};
    char *envp[] = {"ROOM=.....................................................................................", NULL};
    CHECK_EQ(run_image(image("pie"), argv, envp), 0);
    CHECK_EQ(run_image(image("static"), argv, envp), 0);
    PASS();
}
#endif
