// Prints the mask and the dispositions that it was started with, works a little, prints them again,
// from a thread and a child as well.
#include "../code.h"
#include <pthread.h>

static void show(const char *who) {
    sigset_t mask, pending;
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    CHECK_EQ(sigpending(&pending), 0);
    printf("%s: blocked:", who);
    for (int n = 1; n < 65; n++)
        if (sigismember(&mask, n) == 1) printf(" %d", n);
    printf("; pending:");
    for (int n = 1; n < 65; n++)
        if (sigismember(&pending, n) == 1) printf(" %d", n);
    printf("; ignored:");
    for (int n = 1; n < 65; n++) {
        struct sigaction action;
        if (sigaction(n, NULL, &action) == 0 && action.sa_handler != SIG_DFL) printf(action.sa_handler == SIG_IGN ? " %d" : " %d(caught)", n);
    }
    printf("\n");
    fflush(stdout);
}

static void *thread(void *arg) {
    (void)arg;
    show("thread");
    return NULL;
}

int main(void) {
    show("start");
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < 16; i++) put_call(bytes, bytes + 64 + i * 240, SYS_getpid);
    unsigned char *text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    for (int n = 0; n < 1000; n++) CHECK_EQ(CALL(text + 64 + n % 16 * 240), raw0(SYS_getpid));
    show("after calls");
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, thread, NULL), 0);
    CHECK_EQ(pthread_join(t, NULL), 0);
    int status;
    IN_CHILD(status, show("child"));
    CHECK_EQ(status, 0);
    PASS();
}
