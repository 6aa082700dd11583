// Every way to end gives its status and runs what it runs natively: return, exit with
// atexit functions, _exit, exit_group by a thread, exit of one thread, quick_exit.
#include "threads.h"

static void note(void) { SAY("atexit\n"); }
static void *leaves(void *status) {
    raw1(SYS_exit_group, (long)status);
    return NULL;
}
static void *only_itself(void *unused) {
    raw1(SYS_exit, 77);
    return unused;
}

static void end(int how) {
    atexit(note);
    at_quick_exit(note);
    switch (how) {
    case 0: exit(0);
    case 1: exit(255);
    case 2: _exit(3);
    case 3: quick_exit(4);
    case 4: start_thread(leaves, (void *)5, 0); for (;;) pause();
    case 5: rawreg(SYS_exit_group, 256 + 6, 0, 0, 0, 0, 0); break;
    case 6: raw1(SYS_exit, 7); break;
    case 7: join_thread(start_thread(only_itself, NULL, 0)); exit(8);
    case 8: syscall(SYS_exit_group, -1); break;
    }
}

int main(void) {
    for (int turn = 0; turn < 2; turn++)
        for (int how = 0; how < 9; how++) {
            int status;
            IN_CHILD(status, end(how));
            char line[64];
            int n = snprintf(line, sizeof line, "%d: %#x\n", how, status);
            CHECK_EQ(write(1, line, n), n);
        }
    return 0;
}
