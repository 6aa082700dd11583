// modes: native trap rewrite fallback stat
// SIGSTOP and SIGCONT without a handler go through restart_syscall (219): sleeps, polls
// and futex waits with a timeout go on and end as if nothing had been; no EINTR.
#include "interrupted_calls.h"
#include <linux/futex.h>
#include <poll.h>
#include <time.h>

static int word;

// The victims; each makes one call, twice (cold, then warm), and gives the two results.
static long victim(int kind) {
    struct timespec time = {0, 300000000}, left = {5, 5}, until;
    struct pollfd none = {.fd = -1};
    long sum = 0;
    for (int i = 0; i < 2; i++) switch (kind) {
        case 0: sum += raw2(SYS_nanosleep, &time, &left); break;
        case 1: sum += raw4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, &left); break;
        case 2: sum += raw3(SYS_poll, &none, 1, 300); break;
        case 3: sum += raw4(SYS_futex, &word, FUTEX_WAIT, 0, &time); break;
        case 4: sum += rawreg(SYS_nanosleep, (long)&time, (long)&left, 0, 0, 0, 0); break;
        case 5: sum += nanosleep(&time, &left); break;
        case 6: sum += poll(&none, 1, 300); break;
        case 7: sum += raw5(SYS_ppoll, &none, 1, &time, NULL, 8); time = (struct timespec){0, 300000000}; break;
        case 8:
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec++;
            sum += raw4(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
            break;
        }
    return sum;
}

int main(void) {
    for (int kind = 0; kind < 9; kind++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            long sum = victim(kind);
            _exit(sum == 0 ? 0 : sum == -2 * ETIMEDOUT ? 1 : 2);
        }
        int status, stops = 0;
        // Stop and continue it as often as it is found asleep, until it ends.
        for (;;) {
            pid_t ended = waitpid(child, &status, WNOHANG);
            CHECK(ended >= 0);
            if (ended == child) break;
            if (thread_state(child, child) == 'S' && stops < 8) {
                CHECK_EQ(kill(child, SIGSTOP), 0);
                CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
                if (!WIFSTOPPED(status)) break;
                CHECK_EQ(kill(child, SIGCONT), 0);
                stops++;
            }
            usleep(20000);
        }
        CHECK(stops > 0);
        CHECK(WIFEXITED(status));
        printf("%d: %d\n", kind, WEXITSTATUS(status));
    }
    PASS();
}
