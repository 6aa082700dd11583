// static: yes
// A hundred execs in a row in one process: each image is interposed and finds the same descriptors, as
// many mappings and as much memory as the one before.
// also: sud vetted
#include "exec.h"
#include "threads.h"

int main(int argc, char **argv) {
    know_self(argv);
    int step = argc > 2 ? atoi(argv[2]) : 0;
    if (step) CHECK(is_image(argc, argv));
    if (step == 100) PASS();
    static struct traces traces;
    take_traces(&traces);
    int mappings = 0;
    for (char *at = traces.maps; *at; at++) mappings += *at == '\n';
    char next[20], size[20], count[20];
    sprintf(next, "%d", step + 1);
    sprintf(size, "%ld", status_number("VmSize"));
    sprintf(count, "%d", mappings);
    if (step > 1) {
        CHECK(labs(atol(argv[3]) - atol(size)) <= 64); // address space randomization moves some edges
        CHECK(abs(atoi(argv[4]) - mappings) <= 2);
        if (strcmp(argv[5], traces.descriptors)) fprintf(stderr, "before: %s\nafter: %s\n", argv[5], traces.descriptors);
        CHECK(!strcmp(argv[5], traces.descriptors));
    }
    if (step > 2) memcpy(size, argv[3], strlen(argv[3]) + 1), memcpy(count, argv[4], strlen(argv[4]) + 1); // compare with the second
    char *arguments[] = {self, image_word(), next, size, count, traces.descriptors, NULL};
    execv(self, arguments);
    _exit(errno);
}
