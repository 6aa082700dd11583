// user: root
// The program that the inject_*.sh tests run under the inject tool and under strace: it says what its
// calls gave. Which part of it runs is its argument.
#include "check.h"
#include <pthread.h>
#include <spawn.h>
#include <sys/time.h>
#include <sys/uio.h>

static char **environment;
static int fds[2];

// By another call than those that are injected something.
static ssize_t put(int fd, const char *bytes, size_t length) {
    struct iovec part = {(void *)bytes, length};
    return writev(fd, &part, 1);
}

// One line by one call, so that lines of several processes stay whole.
static void say(const char *what, long result) {
    char line[80];
    int error = result == -1 ? errno : 0;
    int length = snprintf(line, sizeof line, "%s: %ld, errno %d\n", what, result > 99 ? 99 : result, error);
    CHECK_EQ(put(1, line, length), length);
}

static void handler(int signal) {
    int error = errno;
    say("signal", signal);
    // What a read that is made anew waits for.
    if (fds[1] != 0) CHECK_EQ(put(fds[1], "x", 1), 1);
    errno = error;
}

static void catch(int signal, int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK_EQ(sigaction(signal, &action, NULL), 0);
}

static void *calls(void *name) {
    for (int i = 0; i < 6; i++) say(name, syscall(SYS_getppid));
    return NULL;
}

// A thread, a fork, a vfork that executes, an exec: each counts for itself.
static void family(const char *self) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, calls, "thread"), 0);
    pthread_join(thread, NULL);
    say("first", syscall(SYS_getppid));
    pid_t child = fork();
    if (child == 0) {
        calls("fork");
        _exit(0);
    }
    CHECK_EQ(waitpid(child, NULL, 0), child);
    char *const again[] = {(char *)self, "calls", NULL};
    CHECK_EQ(posix_spawn(&child, self, NULL, NULL, again, environment), 0);
    CHECK_EQ(waitpid(child, NULL, 0), child);
    say("first", syscall(SYS_getppid));
    execve(self, again, environment);
}

static void waits(void) {
    char byte;
    catch(SIGUSR1, 0);
    CHECK_EQ(pipe(fds), 0);
    say("interrupted", read(fds[0], &byte, 1));
    say("what the handler wrote", read(fds[0], &byte, 1));
    catch(SIGUSR1, SA_RESTART);
    say("made anew", read(fds[0], &byte, 1));
    CHECK_EQ(put(fds[1], "x", 1), 1);
    say("did not wait", read(fds[0], &byte, 1));
}

static void files(void) {
    char byte;
    int fd = open("/dev/zero", O_RDONLY);
    say("open", fd < 0 ? fd : 0);
    for (int i = 0; i < 3; i++) say("read", syscall(SYS_read, fd, &byte, 1));
    say("close", close(fd));
    say("write", syscall(SYS_write, 1, "written\n", 8));
    say("getuid", syscall(SYS_getuid));
    say("ftruncate", syscall(SYS_ftruncate, -1, 0));
}

// A signal comes while a call is late.
static void late(void) {
    catch(SIGALRM, 0);
    struct itimerval soon = {.it_value.tv_usec = 50000};
    CHECK_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    say("late", syscall(SYS_getppid));
    say("then", syscall(SYS_getppid));
}

int main(int argc, char **argv, char **envp) {
    environment = envp;
    const char *part = argc > 1 ? argv[1] : "";
    if (!strcmp(part, "calls")) {
        catch(SIGUSR1, 0);
        calls("calls");
    } else if (!strcmp(part, "many")) {
        for (int i = 0; i < 200; i++) say("many", syscall(SYS_getppid));
        pid_t child = fork();
        for (int i = 0; child == 0 && i < 200; i++) say("child", syscall(SYS_getppid));
        if (child == 0) _exit(0);
        waitpid(child, NULL, 0);
    } else if (!strcmp(part, "family")) {
        family(argv[0]);
    } else if (!strcmp(part, "waits")) {
        waits();
    } else if (!strcmp(part, "files")) {
        files();
    } else if (!strcmp(part, "late")) {
        late();
    } else {
        PASS();
    }
    return 0;
}
