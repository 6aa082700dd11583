// pthread_exit of the main thread leaves the others running; the process ends with
// status 0 when the last one is gone, and with the status that a thread gives to exit.
#include "threads.h"

static pthread_t main_thread;
static void *last(void *argument) {
    CHECK_EQ(pthread_join(main_thread, NULL), 0);
    for (int i = 0; i < 1000; i++) CHECK_EQ(raw0(SYS_getpid), getpid());
    SAY("the thread goes on\n");
    if (argument) _exit((long)argument);
    return NULL;
}

static void leave(long status) {
    main_thread = pthread_self();
    start_thread(last, (void *)status, 0);
    pthread_exit(NULL);
}

int main(void) {
    int status;
    IN_CHILD(status, leave(0));
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    IN_CHILD(status, leave(7));
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 7);
    leave(0);
}
