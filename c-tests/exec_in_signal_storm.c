// static: yes
// A chain of execs while signals arrive all the time: ones that are caught or by default ignored are
// lost or handled, never fatal; blocked ones stay pending across each exec.
#include "exec.h"

static volatile int handled;
static void handler(int number) { handled = number; }

int main(int argc, char **argv) {
    know_self(argv);
    static const int storm[] = {SIGWINCH, SIGURG, SIGCHLD, SIGCONT};
    int step = argc > 2 ? atoi(argv[2]) : 0;
    if (step == 0) {
        // Another process sends them as fast as it can, till we are gone.
        pid_t parent = getpid();
        pid_t sender = fork();
        CHECK(sender >= 0);
        if (sender == 0) {
            for (int i = 0; getppid() == parent; i++) kill(parent, storm[i % 4]);
            _exit(0);
        }
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigaddset(&set, SIGRTMIN + 1);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        CHECK_EQ(raise(SIGUSR1), 0);
        for (int i = 0; i < 3; i++) CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
    } else {
        CHECK(is_image(argc, argv));
    }
    sigset_t pending;
    CHECK_EQ(sigpending(&pending), 0);
    CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
    CHECK_EQ(sigismember(&pending, SIGRTMIN + 1), 1);
    struct sigaction action = {.sa_handler = handler, .sa_flags = step % 2 ? SA_RESTART : 0};
    for (int i = 0; i < 4; i++) CHECK_EQ(sigaction(storm[i], &action, NULL), 0);
    if (step < 60) {
        char next[20];
        sprintf(next, "%d", step + 1);
        char *arguments[] = {self, image_word(), next, NULL};
        execv(self, arguments);
        _exit(errno);
    }
    // The queue came along whole.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    for (int i = 0; i < 3; i++) {
        siginfo_t info;
        int got;
        do
            got = sigwaitinfo(&set, &info);
        while (got < 0 && errno == EINTR);
        CHECK_EQ(got, SIGRTMIN + 1);
        CHECK_EQ(info.si_value.sival_int, i);
    }
    PASS();
}
