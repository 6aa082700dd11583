// Shows that an image which inherits the environment as it is, LD_PRELOAD included, works and finds it
// unchanged; so does the image after it; dlopen, threads and children work there.
// forms: pie nopie static static-pie
#include "image.h"
#include <pthread.h>

#ifdef IMAGE
static void *thread(void *value) {
    for (int n = 0; n < 100; n++) CHECK_EQ(raw0(SYS_getpid), getpid());
    return value;
}

int main(int argc, char **argv, char **envp) {
    // As many strings as the test had.
    size_t count = 0;
    int status;
    for (char **at = envp; *at; at++) count++;
    CHECK_EQ(argc, 2);
    CHECK_EQ(count, atoi(argv[1]));
    for (int n = 0; n < 20; n++) {
        pthread_t id;
        CHECK_EQ(pthread_create(&id, NULL, thread, NULL), 0);
        CHECK_EQ(pthread_join(id, NULL), 0);
    }
    IN_CHILD(status, thread(NULL));
    CHECK_EQ(status, 0);
    if (argv[0][0] != '-') {
        char *again[] = {"-", argv[1], NULL};
        execve(argv[0], again, envp);
        CHECK(0);
    }
    return 0;
}
#else
int main(int argc, char **argv, char **envp) {
    char count[16];
    int strings = 0;
    CHECK(argc == 1 && argv[0]);
    for (char **at = envp; *at; at++) strings++;
    snprintf(count, sizeof count, "%d", strings);
    EACH_FORM(form) {
        char *list[] = {(char *)image(form), count, NULL};
        CHECK_EQ(run_image(list[0], list, envp), 0);
    }
    PASS();
}
#endif
