// modes: native trap rewrite fallback stat
// static: yes
// Every number becomes a descriptor of the application's by dup2, in whatever shares or does not share the
// memory or the table of descriptors with others: a child of fork, of vfork, of clone with CLONE_VM, with
// CLONE_FILES, and a thread with a table of its own. What the others have is not touched, and each can
// execute a program, which is interposed as this one is and has the same descriptors.
#include "clone.h"
#include "exec.h"
#include "fds.h"
#include <pthread.h>

static char *image_arguments[] = {"program", NULL, "look", NULL};
enum { STACK = 1 << 18 };

static void execute(void) {
    fflush(stdout);
    int status;
    IN_CHILD(status, {
        execv(self, image_arguments);
        _exit(99);
    });
    CHECK_EQ(status, 0);
}

// Takes all numbers, uses each, and closes them again.
static int takes_all(void *unused) {
    (void)unused;
    int base = raw2(SYS_dup2, 0, 200);
    if (base != 200) return 1;
    for (int fd = 300; fd <= LAST_FD; fd++) {
        if (raw3(SYS_fcntl, fd, F_GETFD, 0) != -EBADF) return 2;
        if (fd % 2 ? raw2(SYS_dup2, base, fd) != fd : raw3(SYS_dup3, base, fd, O_CLOEXEC) != fd) return 3;
        if (raw3(SYS_fcntl, fd, F_GETFD, 0) != (fd % 2 ? 0 : FD_CLOEXEC)) return 4;
    }
    for (int fd = 300; fd <= LAST_FD; fd++)
        if (raw1(SYS_close, fd) != 0) return 5;
    for (int fd = 300; fd <= LAST_FD; fd++)
        if (raw1(SYS_close, fd) != -EBADF) return 6;
    return raw1(SYS_close, base) == 0 ? 0 : 7;
}

// The same, and then a program is executed; and one that is not there before.
static int takes_and_executes(void *unused) {
    int failed = takes_all(unused);
    if (failed) return failed;
    syscall(SYS_execve, "/no/such/file", image_arguments, environ);
    syscall(SYS_execve, self, image_arguments, environ);
    return 99;
}

static int unshares(void *unused) {
    if (unshare(CLONE_FILES)) return 98;
    return takes_all(unused);
}

static void *in_thread(void *function) {
    return (void *)(long)((int (*)(void *))function)(NULL);
}

static int image(void) {
    print_open("image");
    print_listing("/proc/self/fd");
    if (takes_all(NULL)) return 1;
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return image();
    know_self(argv);
    image_arguments[1] = image_word();
    static int (*const jobs[])(void *) = {takes_all, takes_and_executes, unshares};
    static const long flags[] = {
        SIGCHLD,
        SIGCHLD | CLONE_VM | CLONE_VFORK,
        SIGCHLD | CLONE_VM | CLONE_VFORK | CLONE_FILES,
        SIGCHLD | CLONE_VM,
        SIGCHLD | CLONE_VM | CLONE_FILES,
        SIGCHLD | CLONE_FILES,
        SIGCHLD | CLONE_VFORK,
    };
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED);
    for (int i = 0; i < 7; i++) {
        for (int job = 0; job < 3; job++) {
            // A child that executes leaves copies of its descriptors to nobody, but see exec_with_shared_descriptors.
            if (job == 1 && flags[i] & CLONE_FILES) continue;
            int status;
            printf("flags %lx, job %d\n", flags[i], job);
            fflush(stdout);
            long child = raw_clone(flags[i], stack + STACK, NULL, NULL, NULL, jobs[job], NULL);
            CHECK(child > 0);
            CHECK_EQ(waitpid((pid_t)child, &status, 0), child);
            CHECK_EQ(status, 0);
            print_listing("/proc/self/fd");
            if (job != 0) continue;
            print_open("parent");
            execute();
            CHECK_EQ(takes_all(NULL), 0);
            execute();
        }
    }
    for (int job = 0; job < 3; job += 2) {
        pthread_t thread;
        void *result;
        CHECK_EQ(pthread_create(&thread, NULL, in_thread, jobs[job]), 0);
        CHECK_EQ(pthread_join(thread, &result), 0);
        CHECK_EQ((long)result, 0);
        print_open("after a thread");
        execute();
    }
    // A child of a vfork child, which has moved all.
    fflush(stdout);
    pid_t child = vfork();
    if (child == 0) {
        if (takes_all(NULL)) _exit(1);
        long inner = raw0(SYS_fork);
        if (inner == 0) _exit(takes_and_executes(NULL));
        int status;
        _exit(waitpid((pid_t)inner, &status, 0) != inner || status != 0 ? 2 : 0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    execute();
    PASS();
}
