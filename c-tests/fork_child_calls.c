// Forked children, ten generations deep and a thousand wide, make calls of all kinds
// at warm and cold sites; handlers, masks and alternate stacks are inherited.
#include "check.h"

static volatile sig_atomic_t handled;
static void handler(int sig) {
    (void)sig;
    handled++;
}

static void generation(int depth) {
    long parent = getpid();
    int status;
    IN_CHILD(status, {
        CHECK_EQ(raw0(SYS_getppid), parent);
        CHECK_EQ(syscall(SYS_getppid), parent);
        unsigned char code[8];
        emit_call(code, SYS_getppid);
        CHECK_EQ(((call_fn)make_code(code, 8, PROT_READ | PROT_EXEC))(0, 0, 0), parent);
        int before = handled;
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(handled, before + 1);
        stack_t now;
        CHECK_EQ(sigaltstack(NULL, &now), 0);
        CHECK_EQ(now.ss_size, 65536);
        if (depth) generation(depth - 1);
        _exit(depth + 1);
    });
    CHECK_EQ(status, (depth + 1) << 8);
}

int main(void) {
    static char altstack[65536];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    generation(10);
    for (int i = 0; i < 1000; i++) generation(0);
    // Output that is still in a buffer is the child's too: exactly one of them writes it.
    printf("buffered ");
    fflush(stdout);
    int status;
    IN_CHILD(status, exit(5));
    CHECK_EQ(status, 5 << 8);
    // Raw fork and clone without flags.
    for (int i = 0; i < 100; i++) {
        long parent = getpid();
        long child = i & 1 ? raw0(SYS_fork) : raw5(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        CHECK(child >= 0);
        if (child == 0) {
            CHECK_EQ(raw0(SYS_getppid), parent);
            raw1(SYS_exit_group, 6);
        }
        CHECK_EQ(raw4(SYS_wait4, child, &status, 0, NULL), child);
        CHECK_EQ(status, 6 << 8);
    }
    PASS();
}
