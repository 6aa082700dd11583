// Handlers make calls, are nested, and obey SA_NODEFER, SA_RESETHAND and their masks;
// what they interrupted goes on with its own result.
#include "check.h"

static volatile sig_atomic_t depth, deepest, raised, order[8], used, plain;

static void nested(int sig) {
    (void)sig;
    depth++;
    if (depth > deepest) deepest = depth;
    CHECK_EQ(raw0(SYS_getpid), getpid());
    if (++raised < 20) CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR1), 0);
    CHECK_EQ(syscall(SYS_getppid), getppid());
    depth--;
}

static void first(int sig) {
    order[used++] = sig;
    CHECK_EQ(raise(SIGUSR2), 0); // blocked here by sa_mask: it comes after this handler
    order[used++] = -sig;
}
static void second(int sig) {
    order[used++] = sig;
    CHECK_EQ(raw1(SYS_close, -1), -EBADF);
    order[used++] = -sig;
}
static void once(int sig) {
    (void)sig;
    plain++;
}

int main(void) {
    for (int turn = 0; turn < 200; turn++) {
        struct sigaction action = {.sa_handler = nested, .sa_flags = SA_NODEFER}, old;
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        deepest = raised = 0;
        CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), SIGUSR1), 0);
        CHECK_EQ(deepest, 20);
        CHECK_EQ(depth, 0);
        // Without SA_NODEFER the next one waits.
        action.sa_flags = 0;
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        deepest = raised = 0;
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(deepest, 1);
        CHECK_EQ(raised, 20);

        action.sa_handler = first;
        sigaddset(&action.sa_mask, SIGUSR2);
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        struct sigaction other = {.sa_handler = second};
        CHECK_EQ(sigaction(SIGUSR2, &other, NULL), 0);
        used = 0;
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(used, 4);
        CHECK_EQ(order[0], SIGUSR1);
        CHECK_EQ(order[1], -SIGUSR1);
        CHECK_EQ(order[2], SIGUSR2);
        CHECK_EQ(order[3], -SIGUSR2);

        plain = 0;
        struct sigaction reset = {.sa_handler = once, .sa_flags = SA_RESETHAND};
        CHECK_EQ(sigaction(SIGURG, &reset, NULL), 0); // ignored by default
        CHECK_EQ(raise(SIGURG), 0);
        CHECK_EQ(raise(SIGURG), 0);
        CHECK_EQ(plain, 1);
        CHECK_EQ(sigaction(SIGURG, NULL, &old), 0);
        CHECK(old.sa_handler == SIG_DFL);
    }
    PASS();
}
