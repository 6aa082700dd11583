// A thread gets signals while another one changes their action, between a handler and SIG_IGN, or, of
// one that is ignored by default, SIG_DFL: each is caught or dropped, and none is the end of the process.
#include "threads.h"

static volatile int caught, done;
static void handler(int sig) {
    (void)sig;
    caught++;
}

static void set(int sig, void (*to)(int)) {
    struct sigaction action = {.sa_handler = to};
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
}

static void *changer(void *argument) {
    (void)argument;
    while (!done) {
        set(SIGUSR1, handler);
        set(SIGURG, handler);
        set(SIGUSR1, SIG_IGN);
        set(SIGURG, SIG_DFL);
    }
    return NULL;
}

int main(void) {
    pid_t process = getpid(), thread = raw0(SYS_gettid);
    set(SIGUSR1, SIG_IGN);
    pthread_t other = start_thread(changer, NULL, 0);
    for (int i = 0; i < 200000; i++) {
        CHECK_EQ(raw3(SYS_tgkill, process, thread, SIGUSR1), 0);
        CHECK_EQ(raw3(SYS_tgkill, process, thread, SIGURG), 0);
    }
    done = 1;
    join_thread(other);
    // The last change counts.
    set(SIGURG, handler);
    caught = 0;
    CHECK_EQ(raise(SIGURG), 0);
    CHECK_EQ(caught, 1);
    PASS();
}
