// static: yes
// A child that shares our memory, descriptors and working directory (clone with CLONE_VM, CLONE_FILES,
// CLONE_FS, CLONE_VFORK or not) executes: at that moment it gets copies of its own of memory and
// descriptors, close-on-exec ones are closed in the copy, and nothing changes here, refused or not;
// only the working directory stays shared.
#include "clone.h"
#include "exec.h"

static char *arguments[] = {"program", NULL, NULL};
static int kept, closing;

static int executes(void *path) {
    execv(path, arguments);
    return errno;
}

static char *stack, directory[PATH_MAX];

static void child(long flags, int fails) {
    char now[PATH_MAX];
    int status;
    long child = raw_clone(flags, stack + (1 << 18), NULL, NULL, NULL, executes, fails ? "text" : self);
    CHECK(child > 0);
    CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
    CHECK_EQ(status, (fails ? ENOEXEC : 3) << 8);
    CHECK_EQ(fcntl(kept, F_GETFD), 0);
    CHECK_EQ(fcntl(closing, F_GETFD), FD_CLOEXEC);
    CHECK(getcwd(now, sizeof now));
    CHECK(!strcmp(now, flags & CLONE_FS && !fails ? "/" : directory));
    CHECK_EQ(chdir(directory), 0);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) {
        // The image closes and moves what it likes: these are copies.
        CHECK_ERR(fcntl(60, F_GETFD), EBADF);
        CHECK_EQ(fcntl(61, F_GETFD), 0);
        CHECK_EQ(close(61), 0);
        CHECK_EQ(chdir("/"), 0);
        return 3;
    }
    know_self(argv);
    arguments[1] = image_word();
    kept = fcntl(0, F_DUPFD, 61);
    closing = fcntl(0, F_DUPFD_CLOEXEC, 60);
    CHECK_EQ(kept, 61);
    CHECK_EQ(closing, 60);
    static const long flags[] = {
        SIGCHLD | CLONE_VM | CLONE_VFORK | CLONE_FILES,
        SIGCHLD | CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS,
        SIGCHLD | CLONE_VM | CLONE_VFORK,
        SIGCHLD | CLONE_FILES | CLONE_FS,
        SIGCHLD | CLONE_VM | CLONE_FILES,
        SIGCHLD | CLONE_VM,
        SIGCHLD | CLONE_VM | CLONE_SIGHAND | CLONE_FILES | CLONE_FS,
    };
    stack = mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    CHECK(getcwd(directory, sizeof directory));
    write_text("text", "text", 0755);
    static struct traces before, now;
    for (int turn = 0; turn < 40; turn++) {
        if (turn == 4) take_traces(&before);
        for (int i = 0; i < 4; i++) child(flags[i], turn % 4 == 3);
    }
    CHECK_NO_TRACES(&before);
    // Processes beside us in the same memory, for which nobody waits in vfork.
    for (int turn = 0; turn < 40; turn++)
        for (int i = 4; i < 7; i++) child(flags[i], turn % 4 == 3);
    take_traces(&now);
    if (strcmp(before.descriptors, now.descriptors)) fprintf(stderr, "before: %s\nafter:  %s\n", before.descriptors, now.descriptors);
    CHECK(!strcmp(before.descriptors, now.descriptors));
    PASS();
}
