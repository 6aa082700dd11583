// static: yes
// Long lists: 100 KB in one string, 500 KB in a thousand, as arguments and as environment; each byte
// arrives, the order is kept, and nothing is added.
#include "exec.h"

static unsigned long sum_of(char **list, int *count) {
    unsigned long sum = 5381;
    for (*count = 0; *list; list++, ++*count)
        for (unsigned char *at = (unsigned char *)*list;; at++) {
            sum = sum * 33 + *at;
            if (!*at) break;
        }
    return sum;
}

static int image(int argc, char **argv) {
    int count;
    char text[100];
    unsigned long arguments = sum_of(argv + 4, &count);
    CHECK_EQ(count, argc - 4);
    sprintf(text, "%d %lu", count, arguments);
    CHECK(!strcmp(text, argv[2]));
    sprintf(text, "%lu", sum_of(environ, &count));
    sprintf(text + strlen(text), " %d", count);
    CHECK(!strcmp(text, argv[3]));
    // They lie in a row.
    CHECK(argv[argc] == NULL && environ == argv + argc + 1);
    for (int i = 1; i < argc; i++) CHECK(argv[i] == argv[i - 1] + strlen(argv[i - 1]) + 1);
    return 0;
}

static void check(char **extra, char **envp) {
    int count, environments;
    char first[100], second[100];
    unsigned long sum = sum_of(extra, &count);
    sprintf(first, "%d %lu", count, sum);
    sum = sum_of(envp, &environments);
    sprintf(second, "%lu %d", sum, environments);
    char **argv = calloc((size_t)count + 5, sizeof *argv);
    CHECK(argv);
    argv[0] = "program";
    argv[1] = image_word();
    argv[2] = first;
    argv[3] = second;
    memcpy(argv + 4, extra, (size_t)count * sizeof *argv);
    RUNS(execve(self, argv, envp));
    free(argv);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return image(argc, argv);
    know_self(argv);
    static char big[100 << 10], lines[1000][500];
    for (size_t i = 0; i < sizeof big - 1; i++) big[i] = (char)(1 + i * 7 % 255);
    char *none[] = {NULL}, *one[] = {big, NULL}, *empties[] = {"", "", "x", "", NULL}, *many[1001];
    for (int i = 0; i < 1000; i++) {
        memset(lines[i], 'a' + i % 26, (size_t)(i * 37 % 500));
        many[i] = lines[i];
    }
    many[1000] = NULL;
    char **lists[] = {none, one, empties, many};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) check(lists[i], lists[j]);
    PASS();
}
