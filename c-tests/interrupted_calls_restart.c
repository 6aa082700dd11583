// With SA_RESTART blocking calls go on after each of several handlers and give their
// result; arguments are still the first ones. Also across the first call at a site.
#include "interrupted_calls.h"
#include <linux/futex.h>
#include <sys/socket.h>

int main(void) {
    int fds[2], pair[2];
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    catch_signal(SIGUSR1, SA_RESTART);
    char byte;
    for (int turn = 0; turn < 3; turn++)
        for (int signals = 1; signals <= 4; signals += 3) {
            int word = 0;
            byte = 0;
            CHECK_EQ(UNDER_ASSAULT(signals, fds[1], NULL, raw3(SYS_read, fds[0], &byte, 1)), 1);
            CHECK_EQ(byte, 'x');
            CHECK_EQ(UNDER_ASSAULT(signals, fds[1], NULL, rawreg(SYS_read, fds[0], (long)&byte, 1, 0, 0, 0)), 1);
            CHECK_EQ(UNDER_ASSAULT(signals, fds[1], NULL, read(fds[0], &byte, 1)), 1);
            CHECK_EQ(UNDER_ASSAULT(signals, fds[1], NULL, syscall(SYS_read, fds[0], &byte, 1)), 1);
            CHECK_EQ(UNDER_ASSAULT(signals, pair[1], NULL, raw6(SYS_recvfrom, pair[0], &byte, 1, 0, NULL, NULL)), 1);
            CHECK_EQ(UNDER_ASSAULT(signals, -1, &word, raw6(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0)), 0);
            // A site in memory of its own, executed for the first time.
            unsigned char code[8];
            emit_call(code, SYS_read);
            call_fn cold = (call_fn)make_code(code, sizeof code, PROT_READ | PROT_EXEC);
            CHECK_EQ(UNDER_ASSAULT(signals, fds[1], NULL, cold(fds[0], (long)&byte, 1)), 1);
            CHECK_EQ(UNDER_ASSAULT(signals, fds[1], NULL, cold(fds[0], (long)&byte, 1)), 1);
        }
    // A child that ends while its parent waits under signals.
    for (int turn = 0; turn < 3; turn++) {
        int go[2], status;
        CHECK_EQ(pipe(go), 0);
        pid_t child = fork();
        if (child == 0) {
            raw3(SYS_read, go[0], &byte, 1);
            _exit(9);
        }
        CHECK_EQ(UNDER_ASSAULT(3, go[1], NULL, raw4(SYS_wait4, child, &status, 0, NULL)), child);
        CHECK_EQ(status, 9 << 8);
        CHECK_EQ(close(go[0]) | close(go[1]), 0);
    }
    PASS();
}
