// What becomes of children under SIG_IGN, SIG_DFL, handlers, SA_NOCLDWAIT and SA_NOCLDSTOP: zombies,
// what waits say, which SIGCHLDs come; also when one is set while children live.
#include "check.h"
#include <sched.h>

static volatile int exited, stopped, other;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    if (info->si_code == CLD_EXITED) exited++;
    else if (info->si_code == CLD_STOPPED) stopped++;
    else other++;
}

static int children_of_ours(void) { // a zombie or a living child is there
    siginfo_t info;
    return raw5(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, NULL) == 0;
}

static void try_it(const char *what, int ignored, unsigned flags, int late) {
    int go[2], status = -1;
    char byte;
    struct sigaction action = {.sa_flags = (int)flags};
    if (ignored == 1) action.sa_handler = SIG_IGN;
    else if (ignored == 2) action.sa_handler = SIG_DFL;
    else action.sa_sigaction = handler, action.sa_flags |= SA_SIGINFO | SA_RESTART;
    exited = stopped = other = 0;
    CHECK_EQ(pipe(go), 0);
    CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    if (!late) CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(go[1]);
        raw2(SYS_kill, getpid(), SIGSTOP);
        (void)!read(go[0], &byte, 1);
        _exit(5);
    }
    if (late) CHECK_EQ(sigaction(SIGCHLD, &action, NULL), 0);
    CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
    CHECK_EQ(kill(child, SIGCONT), 0);
    // While one SIGCHLD pends, no second one is kept.
    if (ignored == 0 && !(flags & SA_NOCLDSTOP))
        while (!other) sched_yield();
    CHECK_EQ(write(go[1], "g", 1), 1);
    long result = waitpid(child, &status, 0);
    if (result < 0) printf("%s: wait fails with %d", what, errno);
    else printf("%s: wait gives the child, status %x", what, (unsigned)status);
    CHECK(result == child || errno == ECHILD);
    // The signal comes before the wait ends.
    printf(", exited %d stopped %d, children left %d\n", exited, stopped != 0, children_of_ours());
    CHECK_EQ(close(go[0]) | close(go[1]), 0);
}

int main(void) {
    for (int turn = 0; turn < 5; turn++)
        for (int late = 0; late < 2; late++) {
            try_it("default", 2, 0, late);
            try_it("default, SA_NOCLDWAIT", 2, SA_NOCLDWAIT, late);
            try_it("ignored", 1, 0, late);
            try_it("ignored, SA_NOCLDSTOP", 1, SA_NOCLDSTOP, late);
            if (!late) try_it("handler", 0, 0, late); // whether its stop is seen would be a race
            try_it("handler, SA_NOCLDSTOP", 0, SA_NOCLDSTOP, late);
            try_it("handler, SA_NOCLDWAIT | SA_NOCLDSTOP", 0, SA_NOCLDWAIT | SA_NOCLDSTOP, late);
        }
    // Many at once leave no zombie.
    CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) _exit(i);
    }
    int status;
    CHECK_ERR(wait(&status), ECHILD);
    PASS();
}
