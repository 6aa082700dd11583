// Threads of PTHREAD_STACK_MIN make calls at cold and warm sites, take signals there
// and end; their stacks are no larger than natively needed.
#include "threads.h"
#include <sys/auxv.h>

static volatile sig_atomic_t handled;
static void on_signal(int sig) {
    (void)sig;
    handled++;
    raw0(SYS_getppid);
}

static void *body(void *argument) {
    long signals = (long)argument;
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(raw0(SYS_getpid), getpid());
        CHECK_EQ(rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), getppid());
        CHECK_EQ(raw0(601), -ENOSYS);
    }
    if (signals)
        for (int i = 0; i < 10; i++) CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR1), 0);
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 200; i++) join_thread(start_thread(body, (void *)0, PTHREAD_STACK_MIN));
    CHECK_EQ(handled, 0);
    // A signal frame alone takes AT_MINSIGSTKSZ.
    size_t frame = getauxval(AT_MINSIGSTKSZ);
    if (frame < 2048) frame = 2048;
    for (int i = 0; i < 50; i++) join_thread(start_thread(body, (void *)1, (PTHREAD_STACK_MIN + frame + PAGE - 1) & ~(PAGE - 1ul)));
    CHECK_EQ(handled, 500);
    PASS();
}
