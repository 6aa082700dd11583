// Which signals are blocked in a handler, and what its frame says, and what is blocked afterwards:
// sa_mask, SA_NODEFER, the masks of waits, masks that the handler writes into its frame; SIGSYS too.
#include "check.h"
#include <sys/epoll.h>
#include <ucontext.h>

static uint64_t inside, framed, write_frame;
static int runs;
static uint64_t mask_now(void) {
    uint64_t now;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &now, 8), 0);
    return now;
}
static void handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)sig, (void)info;
    inside = mask_now();
    memcpy(&framed, &c->uc_sigmask, 8);
    if (write_frame) memcpy(&c->uc_sigmask, &write_frame, 8);
    // What a handler sets itself is gone when it returns.
    uint64_t all = ~0ull;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8), 0);
    runs++;
}

static uint64_t bits(int a, int b) { return 1ull << (a - 1) | (b ? 1ull << (b - 1) : 0); }

int main(void) {
    static const uint64_t none = 0;
    int epoll = epoll_create1(0);
    struct epoll_event event;
    long pid = getpid();
    uint64_t masks[] = {0, bits(SIGHUP, 0), bits(SIGSYS, SIGILL), ~0ull};
    uint64_t writes[] = {0, bits(SIGTERM, 0), bits(SIGSYS, SIGRTMAX)};
    const int signals[] = {SIGUSR1, SIGRTMAX, SIGSYS, SIGILL, SIGSEGV};
    for (int s = 0; s < 5; s++)
        for (int m = 0; m < 4; m++)
            for (int w = 0; w < 3; w++)
                for (int nodefer = 0; nodefer < 2; nodefer++)
                    for (int way = 0; way < 7; way++) {
                        int sig = signals[s];
                        uint64_t before = bits(SIGALRM, way ? sig : 0), wait = bits(SIGCHLD, SIGTTIN);
                        // Reserved ones that pend while they are blocked are not seen by waits (see README).
                        if ((sig == SIGSYS || sig == SIGILL) && way > 1) continue;
                        struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | (nodefer ? SA_NODEFER : 0)};
                        memcpy(&action.sa_mask, &masks[m], 8);
                        CHECK_EQ(sigaction(sig, &action, NULL), 0);
                        write_frame = writes[w];
                        runs = 0;
                        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8), 0);
                        CHECK_EQ(raw3(SYS_tgkill, pid, pid, sig), 0);
                        CHECK_EQ(runs, way == 0);
                        struct { const uint64_t *set; size_t size; } packed = {&wait, 8};
                        switch (way) {
                        case 1: CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8), 0); break;
                        case 2: CHECK_EQ(raw2(SYS_rt_sigsuspend, &wait, 8), -EINTR); break;
                        case 3: CHECK_EQ(raw5(SYS_ppoll, NULL, 0, NULL, &wait, 8), -EINTR); break;
                        case 4: CHECK_EQ(raw6(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &packed), -EINTR); break;
                        case 5: CHECK_EQ(raw6(SYS_epoll_pwait, epoll, &event, 1, -1, &wait, 8), -EINTR); break;
                        case 6: CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_UNBLOCK, &before, NULL, 8), 0); break;
                        }
                        CHECK_EQ(runs, 1);
                        printf("%d mask %d write %d nodefer %d way %d: inside %lx frame %lx after %lx\n", sig, m, w, nodefer, way, inside, framed, mask_now());
                    }
    PASS();
}
