// static: yes
// A signal handler executes a program, on the ordinary or the alternate stack, also over a call that
// it interrupts: the image runs with the handler's mask.
#include "exec.h"

static char *arguments[] = {"program", NULL, NULL};

static int image(void) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int n = 1; n < 65; n++)
        if (n != 32 && n != 33) CHECK_EQ(sigismember(&mask, n), n == SIGUSR1 || n == SIGHUP);
    stack_t stack;
    CHECK_EQ(sigaltstack(NULL, &stack), 0);
    CHECK_EQ(stack.ss_flags, SS_DISABLE);
    struct sigaction action;
    CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
    SAY("image\n");
    return 5;
}

static void executes(int number) {
    (void)number;
    execv("no-such-file", arguments);
    execv(self, arguments);
    _exit(errno);
}

static void nests(int number) {
    (void)number;
    raise(SIGUSR1);
}

static void child(int turn) {
    if (turn & 1) {
        stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
        CHECK_EQ(sigaltstack(&stack, NULL), 0);
    }
    struct sigaction action = {.sa_handler = executes, .sa_flags = turn & 1 ? SA_ONSTACK | SA_RESTART : SA_RESTART};
    sigaddset(&action.sa_mask, SIGHUP);
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    if (turn & 2) {
        // While a call waits.
        int pipes[2];
        char byte;
        CHECK_EQ(pipe(pipes), 0);
        pid_t parent = getpid();
        if (fork() == 0) {
            usleep(20000);
            kill(parent, SIGUSR1);
            _exit(0);
        }
        CHECK(read(pipes[0], &byte, 1) < 0);
    } else if (turn & 4) {
        signal(SIGALRM, nests); // SIGALRM stays blocked: unblocked by SA_NODEFER
        action = (struct sigaction){.sa_handler = nests, .sa_flags = SA_NODEFER};
        CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
        raise(SIGALRM);
    } else {
        raise(SIGUSR1);
    }
    _exit(99);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return image();
    know_self(argv);
    arguments[1] = image_word();
    for (int turn = 0; turn < 24; turn++) {
        int status;
        IN_CHILD(status, child(turn));
        CHECK_EQ(status, 5 << 8);
    }
    PASS();
}
