// Shows that a new image inherits the mask of blocked signals, SIGSYS, SIGILL and all others included,
// reads it back, and that an image started by posix_spawn gets the mask asked for.
// forms: pie nopie static static-pie
#include "image.h"
#include <spawn.h>

#ifdef IMAGE
int main(int argc, char **argv) {
    unsigned long mask = 0, want;
    CHECK_EQ(argc, 2);
    want = strtoul(argv[1], NULL, 16);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8), 0);
    CHECK_EQ(mask, want);
    // It blocks: what is sent waits, and comes when unblocked.
    const int signals[] = {SIGSYS, SIGILL, SIGTERM};
    for (int n = 0; n < 3; n++) {
        int status;
        IN_CHILD(status, {
            kill(getpid(), signals[n]);
            _exit(7);
        });
        if (want >> (signals[n] - 1) & 1) CHECK_EQ(status, 7 << 8);
        else CHECK_EQ(WTERMSIG(status), signals[n]);
    }
    return 0;
}
#else
static void run(const char *form, unsigned long mask) {
    int status;
    char text[20], *argv[] = {"image", text, NULL}, *envp[] = {NULL};
    mask &= ~(1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1));
    snprintf(text, sizeof text, "%lx", mask);
    IN_CHILD(status, {
        CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0);
        execve(image(form), argv, envp);
    });
    CHECK_EQ(status, 0);

    posix_spawnattr_t attributes;
    sigset_t set;
    pid_t child;
    mask &= ~(3ul << 31); // libc's own
    snprintf(text, sizeof text, "%lx", mask);
    sigemptyset(&set);
    memcpy(&set, &mask, 8);
    CHECK_EQ(posix_spawnattr_init(&attributes), 0);
    CHECK_EQ(posix_spawnattr_setsigmask(&attributes, &set), 0);
    CHECK_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK), 0);
    CHECK_EQ(posix_spawn(&child, image(form), NULL, &attributes, argv, envp), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

int main(void) {
    EACH_FORM(form) {
        run(form, 0);
        run(form, -1ul);
        run(form, 1ul << (SIGSYS - 1));
        run(form, 1ul << (SIGILL - 1) | 1ul << (SIGSEGV - 1) | 1ul << (SIGTRAP - 1));
        run(form, 0xaaaaaaaaaaaaaaaa);
    }
    PASS();
}
#endif
