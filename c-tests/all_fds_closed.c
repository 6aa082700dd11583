// modes: native trap rewrite fallback stat
// Closing every descriptor, by close_range, by a loop, and dup2 over all of them, takes
// nothing away that calls need; and no descriptor is there that was not natively, but for
// ours far up.
#include "threads.h"
#include <dirent.h>

static void cold(void) {
    unsigned char code[8];
    emit_call(code, SYS_getppid);
    call_fn at = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
    for (int i = 0; i < 10; i++) CHECK_EQ(at(0, 0, 0), raw0(SYS_getppid));
}

static void *in_thread(void *unused) {
    (void)unused;
    cold();
    return NULL;
}

static void works(void) {
    cold();
    join_thread(start_thread(in_thread, NULL, 0));
    int fd = memfd_create("x", 0);
    CHECK_EQ(fd, 0); // the lowest number is free
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(raw1(SYS_close, fd), 0);
    int status;
    IN_CHILD(status, cold());
    CHECK_EQ(status, 0);
}

int main(void) {
    int status;
    // Which descriptors are open (besides the one that looks).
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.' && atoi(entry->d_name) < 1000 && atoi(entry->d_name) != dirfd(directory)) printf("open: %s\n", entry->d_name);
    closedir(directory);
    IN_CHILD(status, {
        CHECK_EQ(raw3(SYS_close_range, 0, ~0u, 0), 0);
        works();
    });
    CHECK_EQ(status, 0);
    IN_CHILD(status, {
        for (int i = 0; i < 65536; i++) {
            long result = raw1(SYS_close, i);
            CHECK_EQ(result, i <= 2 || result == 0 ? 0 : -EBADF);
        }
        works();
    });
    CHECK_EQ(status, 0);
    IN_CHILD(status, {
        for (int i = 3; i < 1000; i++) CHECK_EQ(raw2(SYS_dup2, 2, i), i);
        cold();
        CHECK_EQ(raw3(SYS_close_range, 0, ~0u, 2 /* CLOSE_RANGE_UNSHARE */), 0);
        works();
        exit(0); // and the end is orderly
    });
    CHECK_EQ(status, 0);
    PASS();
}
