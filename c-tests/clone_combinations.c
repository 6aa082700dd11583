// Shows that clone with every combination of the usual flags makes the child that it should: what
// is shared is shared, what is copied is copied, ids are stored where asked, with any exit signal.
// also: sud vetted
#include "clone.h"

enum { STACK = 32768 };
enum { WITH_VM = 1, WITH_FS = 2, WITH_FILES = 4, WITH_SIGHAND = 8, WITH_VFORK = 16, WITH_PARENT_TID = 32, WITH_CHILD_TID = 64, WITH_CLEAR_TID = 128, ALL = 256 };

struct scene {
    volatile int touched, seen_tid, getpid, getppid;
    int fd;
    int *child_tid;
};

static volatile int copied_or_shared;

static void usr2(int signal) { (void)signal; }

static int child(void *argument) {
    struct scene *scene = argument;
    scene->touched = 1;
    copied_or_shared = 1;
    scene->getpid = (int)raw0(SYS_getpid);
    scene->getppid = (int)raw0(SYS_getppid);
    scene->seen_tid = scene->child_tid ? *scene->child_tid : 0;
    raw1(SYS_close, scene->fd);
    raw1(SYS_chdir, "/");
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action = {SIG_IGN, 0, 0, 0};
    raw4(SYS_rt_sigaction, SIGUSR2, &action, 0, 8);
    return scene->getpid == (int)raw0(SYS_gettid) ? 3 : 4;
}

int main(void) {
    unsigned char *stack = shared_memory(STACK);
    struct scene *far = shared_memory(PAGE); // seen by both, whatever is shared
    long pid = raw0(SYS_getpid);
    char start[256], where[256];
    CHECK_EQ(chdir("/proc"), 0);
    CHECK(getcwd(start, sizeof start));
    for (int combination = 0; combination < ALL * 3; combination++) {
        int with = combination % ALL;
        long signal = combination / ALL == 0 ? SIGCHLD : combination / ALL == 1 ? 0 : SIGUSR1;
        if (with & WITH_SIGHAND && !(with & WITH_VM)) continue;
        long flags = signal | (with & WITH_VM ? CLONE_VM : 0) | (with & WITH_FS ? CLONE_FS : 0) |
                     (with & WITH_FILES ? CLONE_FILES : 0) | (with & WITH_SIGHAND ? CLONE_SIGHAND : 0) |
                     (with & WITH_VFORK ? CLONE_VFORK : 0) | (with & WITH_PARENT_TID ? CLONE_PARENT_SETTID : 0) |
                     (with & WITH_CHILD_TID ? CLONE_CHILD_SETTID : 0) | (with & WITH_CLEAR_TID ? CLONE_CHILD_CLEARTID : 0);
        struct sigaction action = {.sa_handler = SIG_IGN}, now;
        if (signal == SIGUSR1) CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        action.sa_handler = usr2;
        CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
        int ids[2] = {-1, -1}, *child_tid = (int *)far + 512, status;
        *child_tid = -1;
        copied_or_shared = 0;
        memset(far, 0, sizeof *far);
        far->fd = open("/dev/null", O_RDONLY);
        far->child_tid = child_tid;
        // Without CLONE_VM the child may go on with the parent's stack.
        void *own_stack = with & WITH_VM || combination % 5 ? stack + STACK : NULL;
        long made = raw_clone(flags, own_stack, &ids[0], child_tid, NULL, child, far);
        CHECK(made > 0);
        CHECK_EQ(ids[0], with & WITH_PARENT_TID ? made : -1);
        if (with & WITH_VFORK) CHECK_EQ(far->touched, 1);
        CHECK_EQ(waitpid((pid_t)made, &status, __WALL), made);
        CHECK(WIFEXITED(status));
        CHECK_EQ(WEXITSTATUS(status), 3);
        CHECK_EQ(copied_or_shared, with & WITH_VM ? 1 : 0);
        CHECK_EQ(far->getpid, made);
        CHECK_EQ(far->getppid, pid);
        CHECK_EQ(far->seen_tid, with & WITH_CHILD_TID ? made : -1);
        // The id is cleared at the end only if another user of the memory is left.
        CHECK_EQ(*child_tid, with & WITH_CLEAR_TID && with & WITH_VM ? 0 : with & WITH_CHILD_TID ? made : -1);
        CHECK_EQ(fcntl(far->fd, F_GETFD), with & WITH_FILES ? -1 : 0);
        if (!(with & WITH_FILES)) CHECK_EQ(close(far->fd), 0);
        CHECK(getcwd(where, sizeof where));
        CHECK(!strcmp(where, with & WITH_FS ? "/" : start));
        CHECK_EQ(chdir(start), 0);
        CHECK_EQ(sigaction(SIGUSR2, NULL, &now), 0);
        CHECK(now.sa_handler == (with & WITH_SIGHAND ? SIG_IGN : usr2));
    }
    PASS();
}
