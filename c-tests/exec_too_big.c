// static: yes
// Too much in the arguments and environment: E2BIG for a string of 128 KB, for a total of more than a
// quarter of the stack's limit, and for the pointers alone. What is just less still runs.
#include "exec.h"
#include <sys/resource.h>

enum { LONGEST = 32 * PAGE }; // the NUL included
static char text[LONGEST + 10];

// `count` strings of `length` bytes (NUL included) as arguments, or as environment.
static int with_strings(int count, int length, int in_environment) {
    char **list = calloc((size_t)count + 3, sizeof *list), *empty[] = {NULL}, *named[] = {"program", image_word(), NULL};
    CHECK(list && length <= (int)sizeof text);
    int first = 0;
    if (!in_environment) {
        list[first++] = "program";
        list[first++] = image_word();
    }
    char *string = text + sizeof text - length;
    for (int i = 0; i < count; i++) list[first + i] = string;
    int status;
    IN_CHILD(status, {
        if (in_environment)
            execve(self, named, list);
        else
            execve(self, list, empty);
        _exit(errno);
    });
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status)) {
        // In this process too it fails and does no harm.
        CHECK_ERR(execve(self, in_environment ? named : list, in_environment ? list : empty), WEXITSTATUS(status));
    }
    free(list);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    memset(text, 'x', sizeof text - 1);
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < 8 << 20) SKIP("a stack of less than 8 MB");
    limit.rlim_cur = 8 << 20;
    CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0); // so 2 MB for strings and pointers
    for (int in_environment = 0; in_environment < 2; in_environment++) {
        CHECK_EQ(with_strings(1, LONGEST - 1, in_environment), 0);
        CHECK_EQ(with_strings(1, LONGEST, in_environment), 0);
        CHECK_EQ(with_strings(1, LONGEST + 1, in_environment), E2BIG);
        CHECK_EQ(with_strings(1, LONGEST + 2, in_environment), E2BIG);
        CHECK_EQ(with_strings(15, LONGEST, in_environment), 0);
        CHECK_EQ(with_strings(16, LONGEST, in_environment), E2BIG);
        CHECK_EQ(with_strings(15, LONGEST, in_environment), 0);
        // A page more or less than 2 MB of strings of 4 KB with their pointers.
        CHECK_EQ(with_strings((2 << 20) / (PAGE + 8) - 2, PAGE, in_environment), 0);
        CHECK_EQ(with_strings((2 << 20) / (PAGE + 8) + 1, PAGE, in_environment), E2BIG);
        // Empty strings: nine bytes each.
        CHECK_EQ(with_strings((2 << 20) / 9 - 500, 1, in_environment), 0);
        CHECK_EQ(with_strings((2 << 20) / 9 + 1, 1, in_environment), E2BIG);
        CHECK_EQ(with_strings(300000, 1, in_environment), E2BIG);
    }
    // A smaller stack's limit has a floor of 128 KB; a larger one's a roof of 6 MB.
    limit.rlim_cur = 256 << 10;
    CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
    CHECK_EQ(with_strings(25, PAGE, 0), 0);
    CHECK_EQ(with_strings(32, PAGE, 0), E2BIG);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max != RLIM_INFINITY) limit.rlim_cur = 64 << 20 < limit.rlim_max ? 64 << 20 : limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_STACK, &limit), 0);
    if (limit.rlim_cur >= 24 << 20) {
        CHECK_EQ(with_strings(46, LONGEST, 0), 0);
        CHECK_EQ(with_strings(48, LONGEST, 1), E2BIG);
    }
    PASS();
}
