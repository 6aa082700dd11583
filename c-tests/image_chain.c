// Shows that a process may execute one image after the other, 300 of them: neither descriptors nor
// mappings nor strings pile up, and the environment stays as it was.
// static: yes
// forms: pie static
#include "image.h"
#include "layout.h"
#include <dirent.h>

#ifdef IMAGE
enum { TURNS = 300 };

static int count_descriptors(void) {
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    CHECK(list);
    while (readdir(list)) count++;
    closedir(list);
    return count;
}

int main(int argc, char **argv, char **envp) {
    char turn[16], now[64];
    CHECK_EQ(argc, 3);
    CHECK(!strcmp(envp[0], "PLACE=here") && envp[1] == NULL);
    int mappings = 0;
    for (struct area *at = layout(); at->to; at++) mappings += strcmp(at->name, "[heap]") != 0;
    snprintf(now, sizeof now, "%d descriptors, %d mappings", count_descriptors(), mappings);
    // The second image's count is the measure: the first came from the test.
    if (atoi(argv[1]) <= 1) argv[2] = now;
    if (strcmp(argv[2], now)) fprintf(stderr, "image %s: %s, before %s\n", argv[1], now, argv[2]);
    // (Neighbours at random may join two mappings.)
    CHECK(!strncmp(argv[2], now, strcspn(now, ",")));
    CHECK(abs(atoi(strchr(argv[2], ',') + 1) - mappings) <= 2);
    if (atoi(argv[1]) == TURNS) return 0;
    snprintf(turn, sizeof turn, "%d", atoi(argv[1]) + 1);
    argv[1] = turn;
    execve(argv[0], argv, envp);
    return 1;
}
#else
int main(void) {
    DYNAMIC_AND_STATIC(form) {
        char *argv[] = {(char *)image(form), "0", "", NULL};
        IMAGE_PASSES_WITH(form, argv);
    }
    PASS();
}
#endif
