// A thread makes a child by clone or clone3 with CLONE_VFORK but not CLONE_VM, and waits in it. The child waits for another
// thread of the parent's, which makes calls meanwhile; then it executes a program, ends, or is killed. Says in which order.
#include "../clone.h"
#include <pthread.h>
#include <stdatomic.h>

static struct shared {
    atomic_int child, go, left;
} *shared;
static const char *way;
static int is_clone3;
static atomic_long result;
static int left_before;

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

static int child(void *unused) {
    (void)unused;
    atomic_store(&shared->child, getpid());
    while (!atomic_load(&shared->go)) nap();
    nap();
    atomic_store(&shared->left, 1);
    if (!strcmp(way, "exec")) execl("/bin/true", "true", (char *)NULL);
    if (!strcmp(way, "failing-exec")) execl("/nonexistent", "true", (char *)NULL);
    if (!strcmp(way, "killed")) kill(getpid(), SIGKILL);
    if (!strcmp(way, "fork")) {
        // Its own child is waited for by nobody.
        atomic_store(&shared->left, 0);
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(0);
        waitpid(grandchild, NULL, 0);
        nap();
        nap();
        atomic_store(&shared->left, 1);
    }
    syscall(SYS_exit_group, 0);
    return 0;
}

static void *parent(void *unused) {
    struct clone_args args = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
    long made = is_clone3 ? raw_clone3(&args, sizeof args, child, NULL)
                          : raw_clone(CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL, child, NULL);
    left_before = atomic_load(&shared->left);
    if (args.flags != CLONE_VFORK) made = -1000;
    atomic_store(&result, made);
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    int status;
    CHECK(argc == 3);
    is_clone3 = !strcmp(argv[1], "clone3");
    way = argv[2];
    shared = shared_memory(sizeof *shared);
    CHECK_EQ(pthread_create(&thread, NULL, parent, NULL), 0);
    while (!atomic_load(&shared->child)) nap();
    for (int i = 0; i < 1000; i++) CHECK(raw0(SYS_getppid) > 0);
    CHECK_EQ(atomic_load(&result), 0); // it waits
    atomic_store(&shared->go, 1);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(result, shared->child);
    CHECK_EQ(waitpid(shared->child, &status, 0), shared->child);
    printf("left before: %d, status %x\n", left_before, status);
    return 0;
}
