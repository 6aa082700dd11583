// static: yes
// posix_spawn and posix_spawnp: file actions, attributes, search in PATH, and their errors.
// also: sud vetted
#include "exec.h"

static posix_spawn_file_actions_t actions;
static posix_spawnattr_t attributes;

// What the image found, told by its status: 0, or the number of the first check that fails.
static int image(char **argv) {
    const char *what = argv[2];
    char text[PATH_MAX];
    if (!strcmp(what, "plain")) return 0;
    if (!strcmp(what, "files")) {
        if (fcntl(3, F_GETFD) >= 0) return 1;
        if (read(0, text, 5) != 5 || memcmp(text, "input", 5)) return 2;
        if (write(7, "output", 6) != 6) return 3;
        if (fcntl(9, F_GETFD) >= 0) return 4;
        return getcwd(text, sizeof text) && !strcmp(text + strlen(text) - 4, "/sub") ? 0 : 5;
    }
    if (!strcmp(what, "signals")) {
        sigset_t mask;
        struct sigaction action;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        for (int n = 1; n < 65; n++)
            if (n != 32 && n != 33 && sigismember(&mask, n) != (n == SIGUSR2)) return n;
        sigaction(SIGTERM, NULL, &action);
        if (action.sa_handler != SIG_DFL) return 100;
        sigaction(SIGQUIT, NULL, &action);
        return action.sa_handler == SIG_IGN ? 0 : 101;
    }
    if (!strcmp(what, "group")) return getpgrp() == getpid() ? 0 : 1;
    if (!strcmp(what, "session")) return getsid(0) == getpid() ? 0 : 1;
    return 99;
}

static void spawn(char *what) {
    char *argv[] = {"program", image_word(), what, NULL};
    pid_t child;
    int status;
    CHECK_EQ(posix_spawn(&child, self, &actions, &attributes, argv, environ), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (status) fprintf(stderr, "%s: %d\n", what, status);
    CHECK_EQ(status, 0);
    CHECK_EQ(posix_spawnattr_destroy(&attributes), 0);
    CHECK_EQ(posix_spawnattr_init(&attributes), 0);
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return image(argv);
    know_self(argv);
    CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
    CHECK_EQ(posix_spawnattr_init(&attributes), 0);
    for (int i = 0; i < 50; i++) spawn("plain");

    CHECK_EQ(mkdir("sub", 0755), 0);
    write_text("in", "input", 0644);
    CHECK_EQ(dup2(open("in", O_RDONLY), 3), 3);
    CHECK_EQ(dup2(3, 9), 9);
    CHECK_EQ(posix_spawn_file_actions_addopen(&actions, 0, "in", O_RDONLY, 0), 0);
    CHECK_EQ(posix_spawn_file_actions_addopen(&actions, 7, "out", O_WRONLY | O_CREAT | O_TRUNC, 0644), 0);
    CHECK_EQ(posix_spawn_file_actions_addclose(&actions, 3), 0);
    CHECK_EQ(posix_spawn_file_actions_adddup2(&actions, 7, 8), 0);
    CHECK_EQ(posix_spawn_file_actions_addclosefrom_np(&actions, 9), 0);
    CHECK_EQ(posix_spawn_file_actions_addchdir_np(&actions, "sub"), 0);
    spawn("files");
    char text[10] = "";
    int fd = open("out", O_RDONLY);
    CHECK_EQ(read(fd, text, 10), 6);
    CHECK(!strcmp(text, "output"));
    CHECK_EQ(fcntl(9, F_GETFD), 0); // the caller's are as they were
    CHECK_EQ(posix_spawn_file_actions_destroy(&actions), 0);
    CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    signal(SIGTERM, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    CHECK_EQ(posix_spawnattr_setsigmask(&attributes, &set), 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    CHECK_EQ(posix_spawnattr_setsigdefault(&attributes, &set), 0);
    CHECK_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF), 0);
    spawn("signals");
    CHECK_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP), 0);
    spawn("group");
    CHECK_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID), 0);
    spawn("session");
    CHECK_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_RESETIDS), 0);
    CHECK_EQ(posix_spawnattr_setschedpolicy(&attributes, SCHED_OTHER), 0);
    spawn("plain");

    // By name.
    char *arguments[] = {"named", image_word(), "plain", NULL}, path[PATH_MAX + 20];
    CHECK_EQ(symlink(self, "sub/named-program"), 0);
    snprintf(path, sizeof path, "/no/such:/etc/passwd:sub");
    CHECK_EQ(setenv("PATH", path, 1), 0);
    pid_t child;
    int status;
    CHECK_EQ(posix_spawnp(&child, "named-program", NULL, NULL, arguments, environ), 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(posix_spawnp(&child, "unnamed", NULL, NULL, arguments, environ), ENOENT);
    write_text("sub/denied", "", 0644);
    CHECK_EQ(posix_spawnp(&child, "denied", NULL, NULL, arguments, environ), EACCES);
    // An action that fails.
    CHECK_EQ(posix_spawn_file_actions_addopen(&actions, 0, "no/such/file", O_RDONLY, 0), 0);
    CHECK_EQ(posix_spawn(&child, self, &actions, NULL, arguments, environ), ENOENT);
    CHECK_ERR(waitpid(-1, &status, WNOHANG), ECHILD);
    PASS();
}
