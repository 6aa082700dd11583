// Shows that signals which are pending at exec are pending in the new image, with what they carry, in
// order, those to the thread and those to the process, SIGSYS and SIGILL too; and come when unblocked.
// static: yes
// forms: pie nopie static static-pie
#include "image.h"

#ifdef IMAGE
static int order[16], values[16], codes[16];
static volatile int count;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    order[count] = signal, values[count] = info->si_value.sival_int, codes[count] = info->si_code;
    count++;
}

int main(void) {
    sigset_t pending, empty;
    CHECK_EQ(sigpending(&pending), 0);
    for (int signal = 1; signal <= 64; signal++)
        if (sigismember(&pending, signal) == 1) SHOW("  pending: %d", signal);
    for (int signal = 1; signal <= 64; signal++) {
        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
        sigfillset(&action.sa_mask);
        sigaction(signal, &action, NULL);
    }
    sigemptyset(&empty);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &empty, NULL), 0);
    // Of one number in order; different numbers may come in any.
    for (int signal = 1; signal <= 64; signal++)
        for (int n = 0; n < count; n++)
            if (order[n] == signal)
                SHOW("  %d: code %d, value %d", order[n], codes[n], codes[n] == SI_QUEUE ? values[n] : 0);
    CHECK_EQ(sigpending(&pending), 0);
    for (int signal = 1; signal <= 64; signal++) CHECK(sigismember(&pending, signal) != 1);
    return 0;
}
#else
int main(void) {
    EACH_FORM(form) {
        int status;
        char *argv[] = {"image", NULL}, *envp[] = {NULL};
        SHOW("%s:", form);
        IN_CHILD(status, {
            sigset_t all;
            sigfillset(&all);
            CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
            CHECK_EQ(kill(getpid(), SIGUSR1), 0);
            CHECK_EQ(raise(SIGUSR2), 0);
            for (int n = 1; n <= 3; n++) CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 4, (union sigval){.sival_int = n}), 0);
            CHECK_EQ(sigqueue(getpid(), SIGTERM, (union sigval){.sival_int = 77}), 0);
            CHECK_EQ(kill(getpid(), SIGSYS), 0);
            CHECK_EQ(kill(getpid(), SIGILL), 0);
            execve(image(form), argv, envp);
        });
        CHECK_EQ(status, 0);
    }
    PASS();
}
#endif
