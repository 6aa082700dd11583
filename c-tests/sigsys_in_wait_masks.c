// Masks with SIGSYS and SIGILL (or everything) in sigsuspend, ppoll, pselect and
// epoll_pwait never disarm: handlers run in them make calls, and the mask before is back.
#include "interrupted_calls.h"
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

static volatile uint64_t seen;
static void look(int sig) {
    (void)sig;
    uint64_t now;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
    seen = now;
    unsigned char code[8];
    emit_call(code, SYS_getppid);
    void *at = (void *)raw6(SYS_mmap, NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, code, 8);
    CHECK_EQ(raw3(SYS_mprotect, at, PAGE, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(((call_fn)at)(0, 0, 0), raw0(SYS_getppid));
    CHECK_EQ(raw2(SYS_munmap, at, PAGE), 0);
    handled++;
}
#define BIT(sig) (1ull << ((sig) - 1))

int main(void) {
    struct sigaction action = {.sa_handler = look};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    uint64_t all_but_ours = ~BIT(SIGUSR1) & ~BIT(SIGKILL) & ~BIT(SIGSTOP), before = BIT(SIGUSR2) | BIT(SIGSYS), now;
    uint64_t masks[] = {BIT(SIGSYS), BIT(SIGSYS) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGSEGV), all_but_ours, 0, ~BIT(SIGUSR1)};
    int epoll = epoll_create1(0);
    struct epoll_event event;
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8), 0);
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < 5; i++) {
            uint64_t mask = masks[i];
            struct { uint64_t *set; size_t size; } pair = {&mask, 8};
            for (int kind = 0; kind < 6; kind++) {
                long result = 0;
                seen = 0;
                switch (kind) {
                case 0: result = UNDER_ASSAULT(1, -1, NULL, raw2(SYS_rt_sigsuspend, &mask, 8)); break;
                case 1: result = UNDER_ASSAULT(1, -1, NULL, raw5(SYS_ppoll, NULL, 0, NULL, &mask, 8)); break;
                case 2: result = UNDER_ASSAULT(1, -1, NULL, raw6(SYS_pselect6, 0, NULL, NULL, NULL, NULL, &pair)); break;
                case 3: result = UNDER_ASSAULT(1, -1, NULL, raw6(SYS_epoll_pwait, epoll, &event, 1, -1, &mask, 8)); break;
                case 4: result = UNDER_ASSAULT(1, -1, NULL, raw6(SYS_epoll_pwait2, epoll, &event, 1, NULL, &mask, 8)); break;
                case 5: result = UNDER_ASSAULT(1, -1, NULL, rawreg(SYS_ppoll, 0, 0, 0, (long)&mask, 8, 0)); break;
                }
                CHECK_EQ(result, -EINTR);
                CHECK_EQ(mask, masks[i]); // the application's own memory is not written
                CHECK_EQ(seen, (mask | BIT(SIGUSR1)) & ~(BIT(SIGKILL) | BIT(SIGSTOP)));
                CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
                CHECK_EQ(now, before);
            }
            // And calls that end by themselves.
            struct timespec none = {0, 0};
            CHECK_EQ(raw5(SYS_ppoll, NULL, 0, &none, &mask, 8), 0);
            CHECK_EQ(raw6(SYS_pselect6, 0, NULL, NULL, NULL, &none, &pair), 0);
            CHECK_EQ(raw6(SYS_epoll_pwait, epoll, &event, 1, 0, &mask, 8), 0);
            CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, 8), 0);
            CHECK_EQ(now, before);
        }
    CHECK_EQ(raw2(SYS_rt_sigsuspend, &before, 16), -EINVAL);
    CHECK_EQ(raw5(SYS_ppoll, NULL, 0, NULL, &before, 16), -EINVAL);
    CHECK_EQ(raw6(SYS_epoll_pwait, epoll, &event, 1, 0, &before, 4), -EINVAL);
    PASS();
}
