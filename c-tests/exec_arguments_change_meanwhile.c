// Another thread makes the environment shorter during the exec: the program starts, or the call says
// EFAULT, as the kernel does.
#include "exec.h"
#include <pthread.h>

enum { LONG = 2000 };
static char *volatile environment[LONG + 2];

static void *change(void *unused) {
    (void)unused;
    for (;;) {
        environment[LONG] = "LAST=1";
        for (volatile int i = 0; i < 2000; i++) {}
        environment[LONG] = NULL;
        for (volatile int i = 0; i < 2000; i++) {}
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 0;
    know_self(argv);
    for (int i = 0; i < LONG; i++) environment[i] = "A=b";
    for (int i = 0; i < 200; i++) {
        int status;
        IN_CHILD(status, {
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, change, NULL), 0);
            usleep(1000 + i % 7 * 100);
            char *arguments[] = {self, image_word(), NULL};
            execve(self, arguments, (char **)environment);
            _exit(errno);
        });
        CHECK(status == 0 || status == EFAULT << 8);
    }
    PASS();
}
