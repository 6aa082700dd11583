// timeout: 60
// The exe links of other processes of the tree: of forked children, of threads, of vfork
// children before and after their exec, and of other programs.
#include "exe_link.h"
#include <pthread.h>
#include <sys/prctl.h>

static char link_of[64];
static const char *exe_of(pid_t pid) {
    snprintf(link_of, sizeof link_of, "/proc/%d/exe", pid);
    return link_of;
}

// The process runs this program: all calls agree.
static void check_runs(pid_t pid, const char *wanted) {
    struct stat one, other;
    CHECK_LINK(exe_of(pid), wanted);
    CHECK_EQ(stat(wanted, &other), 0);
    CHECK_EQ(stat(exe_of(pid), &one), 0);
    CHECK_EQ(one.st_ino, other.st_ino);
    CHECK_EQ(one.st_dev, other.st_dev);
    int fd = open(exe_of(pid), O_RDONLY);
    CHECK(fd >= 0);
    CHECK_EQ(fstat(fd, &one), 0);
    CHECK_EQ(one.st_ino, other.st_ino);
    close(fd);
    CHECK_EQ(access(exe_of(pid), X_OK), 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int directory = open(path, O_PATH | O_DIRECTORY);
    CHECK(directory >= 0);
    char text[PATH_MAX] = {0};
    CHECK_EQ(readlinkat(directory, "exe", text, sizeof text), (long)strlen(wanted));
    CHECK(!strcmp(text, wanted));
    fd = openat(directory, "exe", O_RDONLY);
    CHECK(fd >= 0);
    CHECK_EQ(fstat(fd, &one), 0);
    CHECK_EQ(one.st_ino, other.st_ino);
    close(fd);
    close(directory);
    snprintf(path, sizeof path, "/proc/%d/task/%d/exe", pid, pid);
    CHECK_LINK(path, wanted);
    CHECK_EQ(readlink(exe_of(pid), text, 3), 3);
    CHECK(!memcmp(text, wanted, 3));
}

static int to_child[2], from_child[2];

static void *thread(void *tid) {
    *(pid_t *)tid = gettid();
    char path[64], byte;
    CHECK_LINK("/proc/thread-self/exe", program);
    snprintf(path, sizeof path, "/proc/%d/exe", gettid());
    CHECK_LINK(path, program);
    snprintf(path, sizeof path, "/proc/self/task/%d/exe", gettid());
    CHECK_LINK(path, program);
    CHECK_EQ(write(from_child[1], "t", 1), 1);
    CHECK_EQ(read(to_child[0], &byte, 1), 1);
    return NULL;
}

// Starts `path`, a cat, which echoes a byte when it runs.
static pid_t start_cat(const char *path) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(to_child[0], 0);
        dup2(from_child[1], 1);
        close(to_child[1]);
        close(from_child[0]);
        execl(path, "cat", NULL);
        _exit(9);
    }
    char byte = 0;
    CHECK_EQ(write(to_child[1], "c", 1), 1);
    CHECK_EQ(read(from_child[0], &byte, 1), 1);
    CHECK(byte == 'c');
    return child;
}

static void end(pid_t child) {
    int status;
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
}

int main(int argc, char **argv) {
    STARTED_BY_EXEC(argc, argv);
    char cat[PATH_MAX], byte;
    CHECK(realpath("/bin/cat", cat) != NULL);
    CHECK_EQ(pipe2(to_child, 0), 0);
    CHECK_EQ(pipe2(from_child, 0), 0);

    // A child that has not executed anything, and what it sees of its parent.
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        CHECK_LINK("/proc/self/exe", program);
        check_runs(getppid(), program);
        check_runs(getpid(), program);
        CHECK_EQ(write(from_child[1], "f", 1), 1);
        pause();
        _exit(0);
    }
    CHECK_EQ(read(from_child[0], &byte, 1), 1);
    CHECK(byte == 'f');
    check_runs(child, program);
    end(child);

    // A thread, by its own number.
    pthread_t id;
    pid_t tid = 0;
    CHECK_EQ(pthread_create(&id, NULL, thread, &tid), 0);
    CHECK_EQ(read(from_child[0], &byte, 1), 1);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/exe", getpid(), tid);
    CHECK_LINK(path, program);
    snprintf(path, sizeof path, "/proc/%d/exe", tid);
    CHECK_LINK(path, program);
    CHECK_FD_IS_PROGRAM(open(path, O_RDONLY));
    CHECK_EQ(write(to_child[1], "t", 1), 1);
    CHECK_EQ(pthread_join(id, NULL), 0);

    // Another program; and one whose name is odd.
    child = start_cat(cat);
    check_runs(child, cat);
    end(child);
    char odd[PATH_MAX], here[PATH_MAX], command[3 * PATH_MAX];
    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK(snprintf(odd, sizeof odd, "%s/a  name\nof (deleted) two lines ", here) < (int)sizeof odd);
    snprintf(command, sizeof command, "cp /bin/cat 'a  name\nof (deleted) two lines '");
    CHECK_EQ(system(command), 0);
    child = start_cat(odd);
    check_runs(child, odd);

    // Renamed and deleted while it runs.
    char moved[PATH_MAX], text[PATH_MAX + 16] = {0};
    CHECK(snprintf(moved, sizeof moved, "%s/moved", here) < (int)sizeof moved);
    CHECK_EQ(rename(odd, moved), 0);
    check_runs(child, moved);
    CHECK_EQ(unlink(moved), 0);
    ssize_t length = readlink(exe_of(child), text, sizeof text - 1);
    CHECK(length > 0);
    strcat(moved, " (deleted)");
    CHECK(!strcmp(text, moved));
    end(child);
    CHECK_ERR(readlink(exe_of(child), text, sizeof text), ENOENT);
    CHECK_ERR(open(exe_of(child), O_RDONLY), ENOENT);
    PASS();
}
