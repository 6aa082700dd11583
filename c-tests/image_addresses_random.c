// Shows that address space randomisation works for new images as natively: program (if it can move),
// heap, libraries, vDSO and stack lie elsewhere in each run, in the kernel's ranges.
// forms: pie nopie static static-pie
#include "image.h"
#include "layout.h"

struct places {
    unsigned long program, heap, map, vdso, stack;
};

#ifdef IMAGE
int main(int argc, char **argv) {
    struct places found = {(unsigned long)&__ehdr_start, stat_field("/proc/self/stat", 47),
                           (unsigned long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                           getauxval(AT_SYSINFO_EHDR), (unsigned long)argv};
    CHECK_EQ(argc, 1);
    CHECK_EQ(write(3, &found, sizeof found), (long)sizeof found);
    return 0;
}
#else
enum { RUNS = 24 };

int main(void) {
    char *setting = NULL;
    FILE *file = fopen("/proc/sys/kernel/randomize_va_space", "r");
    if (!file || fscanf(file, "%ms", &setting) != 1 || strcmp(setting, "2")) SKIP("no randomisation here");
    EACH_FORM(form) {
        struct places all[RUNS];
        int moves;
        for (int n = 0; n < RUNS; n++) {
            int pipes[2], status;
            CHECK_EQ(pipe(pipes), 0);
            char *argv[] = {"image", NULL}, *envp[] = {NULL};
            IN_CHILD(status, {
                dup2(pipes[1], 3);
                execve(image(form), argv, envp);
            });
            CHECK_EQ(status, 0);
            CHECK_EQ(read(pipes[0], &all[n], sizeof all[n]), (long)sizeof all[n]);
            close(pipes[0]), close(pipes[1]);
        }
        // Any two runs differ (with 24 runs and the kernel's 28 bits: one in a million they do not; the
        // heap and the stack have less, one equal pair is allowed).
        unsigned equal_programs = 0, equal_heaps = 0, equal_maps = 0, equal_vdsos = 0, equal_stacks = 0;
        for (int n = 0; n < RUNS; n++)
            for (int before = 0; before < n; before++) {
                equal_programs += all[n].program == all[before].program;
                equal_heaps += all[n].heap == all[before].heap;
                equal_maps += all[n].map == all[before].map;
                equal_vdsos += all[n].vdso == all[before].vdso;
                equal_stacks += all[n].stack == all[before].stack;
            }
        moves = equal_programs == 0;
        CHECK(equal_heaps <= 1 && equal_maps <= 0 && equal_vdsos <= 1 && equal_stacks <= 1);
        SHOW("%s: the program %s, from %#lx", form, moves ? "moves" : "stays", moves ? all[0].program >> 44 : all[0].program);
        for (int n = 0; n < RUNS; n++) {
            CHECK(all[n].stack >> 32 >= 0x7ff0 && all[n].stack < 0x7ffffffff000);
            CHECK(all[n].map >> 40 >= 0x7e && all[n].map < all[n].stack);
            CHECK(all[n].vdso > all[n].map);
        }
    }
    PASS();
}
#endif
