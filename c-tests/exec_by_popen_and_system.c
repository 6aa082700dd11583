// static: yes
// popen and system: shells, pipelines of them, their statuses and their output.
#include "exec.h"

static void reads(const char *command, const char *want, int want_status) {
    char text[1000] = "";
    FILE *pipe = popen(command, "r");
    CHECK(pipe);
    size_t length = fread(text, 1, sizeof text - 1, pipe);
    CHECK_EQ(length, strlen(want));
    CHECK(!strcmp(text, want));
    CHECK_EQ(pclose(pipe), want_status);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 6;
    know_self(argv);
    CHECK(system(NULL));
    CHECK_EQ(system("exit 3"), 3 << 8);
    CHECK_EQ(system("kill -TERM $$"), SIGTERM);
    CHECK_EQ(system("no-such-program 2>/dev/null"), 127 << 8);
    CHECK_EQ(system("exec ./no-such-program 2>/dev/null"), 127 << 8);
    char command[PATH_MAX + 100];
    snprintf(command, sizeof command, "'%s' %s", self, image_word());
    CHECK_EQ(system(command), 6 << 8);
    snprintf(command, sizeof command, "true && '%s' %s", self, image_word());
    CHECK_EQ(system(command), 6 << 8);
    reads("echo hello", "hello\n", 0);
    reads("printf 'b\\na\\nc\\n' | sort | tr a-c A-C | cat", "A\nB\nC\n", 0);
    reads("echo $(echo $(echo $(echo deep)))", "deep\n", 0);
    reads("exit 9", "", 9 << 8);
    reads("for i in 1 2 3; do (echo $i & wait); done", "1\n2\n3\n", 0);
    FILE *pipe = popen("cat >written", "w");
    CHECK(pipe && fputs("text\n", pipe) > 0);
    CHECK_EQ(pclose(pipe), 0);
    reads("cat written", "text\n", 0);
    PASS();
}
