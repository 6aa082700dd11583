// static: yes
// cflags: -Wno-clobbered
// Four threads spawn programs all the time, by vfork, by fork and by posix_spawn, and each is right.
#include "exec.h"
#include "threads.h"

static void *spawns(void *number) {
    char text[20];
    for (int i = 0; i < 60; i++) {
        int want = (int)(intptr_t)number * 50 + i % 50, status;
        sprintf(text, "%d", want);
        char *arguments[] = {"program", image_word(), text, NULL};
        pid_t child;
        if (i % 3 == 0) {
            CHECK_EQ(posix_spawn(&child, self, NULL, NULL, arguments, environ), 0);
        } else {
            child = i % 3 == 1 ? vfork() : fork();
            CHECK(child >= 0);
            if (child == 0) {
                execv(self, arguments);
                _exit(255);
            }
        }
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, want << 8);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return atoi(argv[2]);
    know_self(argv);
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++) threads[i] = start_thread(spawns, (void *)i, 0);
    for (int i = 0; i < 4; i++) join_thread(threads[i]);
    PASS();
}
