// With no descriptor to be had (a full table, and a limit of zero), calls at cold sites
// are still served, threads start and children work.
#include "threads.h"
#include <sys/resource.h>

static void cold(int nr) {
    unsigned char code[8];
    emit_call(code, nr);
    call_fn at = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
    for (int i = 0; i < 10; i++) CHECK_EQ(at(0, 0, 0), syscall(nr));
}

static void *in_thread(void *unused) {
    (void)unused;
    cold(SYS_gettid);
    return NULL;
}

static void works(void) {
    int status;
    CHECK_EQ(raw3(SYS_openat, AT_FDCWD, "/", O_RDONLY), -EMFILE);
    for (int i = 0; i < 20; i++) {
        cold(SYS_getppid);
        join_thread(start_thread(in_thread, NULL, 0));
        IN_CHILD(status, in_thread(NULL));
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(raw1(SYS_dup, 1), -EMFILE);
}

int main(void) {
    int last = -1;
    struct rlimit limit = {256, 256};
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int fd; (fd = dup(1)) >= 0;) last = fd;
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(last, 255); // none is held back
    works();
    for (int fd = 3; fd < 256; fd++) CHECK_EQ(close(fd), 0);
    limit = (struct rlimit){0, 0};
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    works();
    PASS();
}
