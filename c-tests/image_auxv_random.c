// Shows that AT_RANDOM points to 16 bytes on the stack that differ from run to run.
// forms: pie nopie static static-pie
#include "image.h"
#include <sys/auxv.h>

#ifdef IMAGE
int main(int argc, char **argv, char **envp) {
    char *random = (char *)getauxval(AT_RANDOM);
    CHECK_EQ(argc, 1);
    CHECK(random > (char *)envp && random + 16 <= argv[0]);
    CHECK_EQ(write(3, random, 16), 16);
    return 0;
}
#else
enum { RUNS = 16 };

int main(void) {
    EACH_FORM(form) {
        unsigned char all[RUNS][16];
        for (int n = 0; n < RUNS; n++) {
            int pipes[2], status;
            CHECK_EQ(pipe(pipes), 0);
            char *argv[] = {"image", NULL}, *envp[] = {"A=1", NULL};
            IN_CHILD(status, {
                if (pipes[1] != 3) dup2(pipes[1], 3);
                execve(image(form), argv, envp);
            });
            CHECK_EQ(status, 0);
            CHECK_EQ(read(pipes[0], all[n], 16), 16);
            close(pipes[0]), close(pipes[1]);
            int different = 0;
            for (int byte = 1; byte < 16; byte++) different += all[n][byte] != all[n][0];
            CHECK(different > 4);
            for (int before = 0; before < n; before++) CHECK(memcmp(all[n], all[before], 8) && memcmp(all[n] + 8, all[before] + 8, 8));
        }
    }
    PASS();
}
#endif
