// static: yes
// Children begin with their parent's GS, whatever call makes them, and what they set is their own;
// an image that is executed begins with 0, and its calls are taken as ever.
#include "gs.h"
#include "clone.h"
#include "exec.h"

static struct gs_block block;
static struct gs_block others;
static volatile int seen;

static int child(void *unused) {
    (void)unused;
    CHECK_GS(&block);
    gs_set(&others, 0x99);
    CHECK_GS(&others);
    seen++;
    return 0;
}

static unsigned char *new_site(void) {
    unsigned char text[4096];
    fill_code(text, sizeof text);
    put_call(text, text + 2048, SYS_getpid);
    return map_code(text, sizeof text, PROT_READ | PROT_EXEC, MAP_PRIVATE);
}

int main(int argc, char **argv) {
    int taken = rewriting();
    if (is_image(argc, argv)) {
        CHECK_EQ(gs_base(), 0);
        unsigned char *site = new_site() + 2048;
        for (int i = 0; i < 3; i++) CHECK_EQ(CALL(site), getpid());
        CHECK_SITE(site, SYS_getpid);
        gs_set(&block, 5);
        CHECK_EQ(CALL(site), getpid());
        CHECK_GS(&block);
        CHECK(is_original(site, SYS_getpid));
        return 7;
    }
    know_self(argv);
    char *arguments[] = {"program", image_word(), NULL};
    unsigned char *site = new_site() + 2048;
    for (int i = 0; i < 3; i++) CHECK_EQ(CALL(site), getpid());
    CHECK_EQ(is_rewritten(site), taken);
    gs_set(&block, 0x1234);

    int status;
    IN_CHILD(status, _exit(child(NULL)));
    CHECK_EQ(status, 0);
    CHECK_EQ(seen, 0);
    CHECK_GS(&block);
    static char stack[65536] __attribute__((aligned(16)));
    for (int i = 0; i < 20; i++) {
        pid_t pid = vfork();
        CHECK(pid >= 0);
        if (pid == 0) _exit(child(NULL));
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK_EQ(status, 0);
        CHECK_EQ(seen, 1);
        CHECK_GS(&block);
        struct clone_args of3 = {.exit_signal = SIGCHLD, .flags = CLONE_VM, .stack = (uintptr_t)stack, .stack_size = sizeof stack};
        pid = i & 1 ? raw_clone(SIGCHLD | CLONE_VM, stack + sizeof stack, NULL, NULL, NULL, child, NULL)
                    : raw_clone3(&of3, sizeof of3, child, NULL);
        CHECK(pid > 0);
        CHECK_EQ(waitpid(pid, &status, 0), pid);
        CHECK_EQ(status, 0);
        CHECK_EQ(seen, 2);
        CHECK_GS(&block);
        seen = 0;
    }
    RUNS_TO(7, execv(self, arguments));
    pid_t pid;
    CHECK_EQ(posix_spawn(&pid, self, NULL, NULL, arguments, environ), 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 7 << 8);
    CHECK_GS(&block);
    // A call that makes no child; a program that is not there.
    CHECK_EQ(raw5(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), -EINVAL);
    CHECK_GS(&block);
    CHECK_ERR(execv("no-such-file", arguments), ENOENT);
    CHECK_GS(&block);
    CHECK(is_original(site, SYS_getpid));
    PASS();
}
