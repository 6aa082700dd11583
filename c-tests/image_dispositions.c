// Shows that a new image has the default action for each signal that was handled, and still ignores
// each that was ignored (SIGSYS, SIGILL, SIGSEGV and SIGTRAP too), with no flags and an empty mask.
// static: yes
// forms: pie nopie static static-pie
#include "image.h"
#include "proc_file.h"

#ifdef IMAGE
struct kernel_action {
    unsigned long handler, flags, restorer, mask;
};

int main(int argc, char **argv) {
    CHECK_EQ(argc, 2);
    unsigned long ignored = 0;
    for (int signal = 1; signal <= 64; signal++) {
        struct kernel_action found = {9, 9, 9, 9};
        CHECK_EQ(raw4(SYS_rt_sigaction, signal, NULL, &found, 8), 0);
        if (found.handler == 1) ignored |= 1ul << (signal - 1);
        else CHECK_EQ(found.handler, 0);
        if (found.flags || found.mask) fprintf(stderr, "signal %d: flags %#lx, mask %#lx\n", signal, found.flags, found.mask);
        CHECK_EQ(found.flags, 0);
        CHECK_EQ(found.mask, 0);
    }
    CHECK_EQ(ignored, strtoul(argv[1], NULL, 16));
    // An ignored signal does nothing, one with the default action ends the process.
    for (int signal = 1; signal <= 64; signal++)
        if (ignored >> (signal - 1) & 1) CHECK_EQ(kill(getpid(), signal), 0);
    int status;
    signal(SIGCHLD, SIG_DFL);
    const int deadly[] = {SIGSYS, SIGILL, SIGTRAP, SIGUSR1, SIGRTMIN + 3};
    for (int n = 0; n < 5; n++) {
        if (ignored >> (deadly[n] - 1) & 1) continue;
        IN_CHILD(status, kill(getpid(), deadly[n]));
        CHECK(WIFSIGNALED(status));
        CHECK_EQ(WTERMSIG(status), deadly[n]);
    }
    return 0;
}
#else
static void handler(int signal) { (void)signal; }

static void run(const char *form, unsigned long ignored) {
    int status;
    char text[20], *argv[] = {"image", text, NULL}, *envp[] = {NULL};
    IN_CHILD(status, {
        // The two that libc keeps for itself may have come ignored.
        unsigned long none[4] = {0};
        for (int signal = 32; signal <= 33; signal++) CHECK_EQ(raw4(SYS_rt_sigaction, signal, none, NULL, 8), 0);
        for (int signal = 1; signal <= 64; signal++) {
            if (signal == SIGKILL || signal == SIGSTOP || signal == 32 || signal == 33) continue;
            struct sigaction action = {.sa_handler = ignored >> (signal - 1) & 1 ? SIG_IGN : handler,
                                       .sa_flags = SA_RESTART | SA_ONSTACK | SA_NODEFER};
            sigfillset(&action.sa_mask);
            CHECK_EQ(sigaction(signal, &action, NULL), 0);
        }
        snprintf(text, sizeof text, "%lx", ignored & ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1) | 3ul << 31));
        execve(image(form), argv, envp);
    });
    CHECK_EQ(status, 0);
}

int main(void) {
    EACH_FORM(form) {
        run(form, 0);
        run(form, -1ul);
        run(form, 1ul << (SIGSYS - 1));
        run(form, 1ul << (SIGILL - 1));
        run(form, 1ul << (SIGTRAP - 1) | 1ul << (SIGSEGV - 1) | 1ul << (SIGPIPE - 1));
        run(form, 0x5555555555555555);
    }
    PASS();
}
#endif
