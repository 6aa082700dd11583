// static: yes
// vfork and exec, 500 times in turn with refused ones: the image is another process, and the parent's
// memory, descriptors and mask, which the child shared until then, are as the child left them.
#include "exec.h"

static volatile int seen;

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return getppid() == atoi(argv[2]) ? 7 : 8;
    know_self(argv);
    char parent[20];
    sprintf(parent, "%d", getpid());
    char *arguments[] = {"program", image_word(), parent, NULL};
    static struct traces before;
    for (int i = 0; i < 500; i++) {
        if (i == 10) take_traces(&before);
        volatile int turn = i;
        pid_t child = vfork();
        CHECK(child >= 0);
        if (child == 0) {
            seen = turn;
            execv("no-such-file", arguments);
            seen += errno;
            execv(self, arguments);
            _exit(1);
        }
        CHECK_EQ(seen, i + ENOENT);
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 7 << 8);
    }
    CHECK_NO_TRACES(&before);
    // A signal that waits for the child, and one that the parent gets meanwhile.
    sigset_t set, old;
    sigfillset(&set);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &set, &old), 0);
    pid_t child = vfork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &old, NULL);
        execv(self, arguments);
        _exit(1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 7 << 8);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &old, &set), 0);
    for (int n = 1; n < 65; n++)
        if (n != SIGKILL && n != SIGSTOP && n != 32 && n != 33) CHECK_EQ(sigismember(&set, n), 1);
    PASS();
}
