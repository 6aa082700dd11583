// modes: native trap rewrite fallback
// Listings of the open descriptors are what they are natively: of the own process by all its names, by
// directories that are open, of a child and of the parent, whatever the buffer's size.
#include "fds.h"

static void print_all(void) {
    char path[64];
    print_listing("/proc/self/fd");
    print_listing("/proc/self/fdinfo");
    print_listing("/proc/thread-self/fd");
    print_listing("/proc/thread-self/fdinfo");
    snprintf(path, sizeof path, "/proc/%d/fd", getpid());
    print_listing(path);
    snprintf(path, sizeof path, "/proc/self/task/%d/fd", getpid());
    print_listing(path);
    int process = open("/proc/self", O_RDONLY | O_DIRECTORY);
    int fds = openat(process, "fd", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(close(process), 0);
    print_entries("by a directory", fds, SYS_getdents64, 4096);
    CHECK_EQ(close(fds), 0);
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));) printf("%s ", entry->d_name);
    closedir(directory);
    printf("\n");
}

int main(void) {
    char path[64];
    int status;
    print_all();
    IN_CHILD(status, print_all(); fflush(stdout));
    CHECK_EQ(status, 0);
    // The parent's, by the child; then those of a child that has closed all it can, by the parent.
    snprintf(path, sizeof path, "/proc/%d/fd", getpid());
    IN_CHILD(status, print_listing(path); fflush(stdout));
    CHECK_EQ(status, 0);
    int ready[2], go[2];
    char byte;
    CHECK_EQ(pipe(ready) | pipe(go), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        CHECK_EQ(dup2(ready[1], 100), 100);
        CHECK_EQ(dup2(go[0], 101), 101);
        for (int fd = 0; fd <= LAST_FD; fd++)
            if (fd < 100 || fd > 101) dup2(100, fd);
        for (int fd = 0; fd <= LAST_FD; fd++)
            if (fd < 100 || fd > 101) close(fd);
        CHECK_EQ(read(101, &byte, 0), 0); // a first call has a descriptor of ours open for a moment
        CHECK_EQ(write(100, "x", 1), 1);
        _exit(read(101, &byte, 1) != 1);
    }
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    snprintf(path, sizeof path, "/proc/%d/fd", child);
    print_listing(path);
    snprintf(path, sizeof path, "/proc/%d/fdinfo", child);
    print_listing(path);
    CHECK_EQ(write(go[1], "x", 1), 1);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    PASS();
}
