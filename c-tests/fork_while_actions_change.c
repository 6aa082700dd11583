// fork and vfork while another thread changes an action: the child has the one or the other, and what
// sigaction says there is what happens.
// without: guest  (the hook has a lock of its own, which a fork does not take over)
#include "threads.h"

static volatile int caught, done;
static void handler(int sig) {
    (void)sig;
    caught++;
}

static void *changer(void *argument) {
    (void)argument;
    struct sigaction catches = {.sa_handler = handler}, ignores = {.sa_handler = SIG_IGN};
    while (!done) {
        CHECK_EQ(sigaction(SIGUSR1, &catches, NULL), 0);
        CHECK_EQ(sigaction(SIGUSR1, &ignores, NULL), 0);
    }
    return NULL;
}

__attribute__((noreturn)) static void child(void) {
    unsigned long action[4];
    if (raw4(SYS_rt_sigaction, SIGUSR1, NULL, action, 8) != 0) _exit(2);
    caught = 0;
    raw3(SYS_tgkill, raw0(SYS_getpid), raw0(SYS_gettid), SIGUSR1);
    _exit(caught != (action[0] == (unsigned long)handler));
}

int main(void) {
    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    pthread_t other = start_thread(changer, NULL, 0);
    for (int i = 0; i < 2000; i++) {
        int status;
        pid_t pid = i % 2 ? fork() : vfork();
        if (pid == 0) child();
        CHECK(pid > 0);
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK_EQ(status, 0);
    }
    done = 1;
    join_thread(other);
    PASS();
}
