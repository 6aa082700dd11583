// static: yes
// An exec that is refused in one of several threads leaves the others running and the process as it is.
#include "exec.h"
#include "threads.h"
#include <stdatomic.h>

static atomic_long turns[3];
static atomic_int go, stop;

static void *counts(void *turn) {
    while (!stop) {
        CHECK_EQ(raw0(SYS_getppid), getppid());
        ++*(atomic_long *)turn;
    }
    return NULL;
}

static void *is_refused(void *unused) {
    (void)unused;
    // While a thread executes, the kernel makes no other (copy_fs: EAGAIN).
    while (!go) sched_yield();
    char *argv[] = {"x", NULL};
    pid_t tid = (pid_t)syscall(SYS_gettid);
    for (int i = 0; i < 200; i++) {
        EXEC_FAILS("missing", ENOENT);
        CHECK_ERR(execv("text", argv), ENOEXEC);
        CHECK_ERR(execv("orphan", argv), ENOENT);
        CHECK_EQ(syscall(SYS_gettid), tid);
    }
    return NULL;
}

int main(void) {
    write_text("text", "text", 0755);
    struct tiny elf = tiny_elf("/no/such/ld.so");
    write_file("orphan", &elf, sizeof elf, 0755);
    pthread_t threads[3], asking[2];
    for (int i = 0; i < 3; i++) threads[i] = start_thread(counts, &turns[i], 0);
    for (int i = 0; i < 2; i++) asking[i] = start_thread(is_refused, NULL, 0);
    go = 1;
    is_refused(NULL);
    for (int i = 0; i < 2; i++) join_thread(asking[i]);
    for (int i = 0; i < 3; i++) {
        long now = turns[i];
        while (turns[i] == now) usleep(100);
    }
    stop = 1;
    for (int i = 0; i < 3; i++) join_thread(threads[i]);
    PASS();
}
