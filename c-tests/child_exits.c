// Shows that children end as they should: exit and exit_group from the first thread and from
// others, return from main's frame, signals that kill, core-dumping or not, and abort.
// cflags: -Wno-array-bounds
#include "code.h"
#include <pthread.h>
#include <sys/resource.h>

static void *exits_group(void *status) { raw1(SYS_exit_group, (intptr_t)status); return NULL; }
static void *exits_self(void *status) { raw1(SYS_exit, (intptr_t)status); return NULL; }

static void in_thread(void *(*function)(void *), int status) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, function, (void *)(intptr_t)status), 0);
    pthread_join(thread, NULL);
}

static void say_at_exit(void) { SAY("at exit\n"); }

int main(void) {
    int status;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (int n = 0; n < 10; n++) {
        IN_CHILD(status, raw1(SYS_exit, 1));
        CHECK_EQ(status, 1 << 8);
        IN_CHILD(status, raw1(SYS_exit_group, 2));
        CHECK_EQ(status, 2 << 8);
        IN_CHILD(status, raw1(SYS_exit_group, 0x1234));
        CHECK_EQ(status, 0x34 << 8);
        IN_CHILD(status, in_thread(exits_group, 3));
        CHECK_EQ(status, 3 << 8);
        IN_CHILD(status, { in_thread(exits_self, 4); _exit(5); });
        CHECK_EQ(status, 5 << 8);
        IN_CHILD(status, raise(SIGTERM));
        CHECK_EQ(status, SIGTERM);
        IN_CHILD(status, raise(SIGKILL));
        CHECK_EQ(status, SIGKILL);
        IN_CHILD(status, abort());
        CHECK_EQ(WTERMSIG(status), SIGABRT);
        IN_CHILD(status, *(volatile int *)8 = 1);
        CHECK_EQ(WTERMSIG(status), SIGSEGV);
        IN_CHILD(status, __builtin_trap());
        CHECK_EQ(WTERMSIG(status), SIGILL);
        IN_CHILD(status, raise(SIGSYS));
        CHECK_EQ(WTERMSIG(status), SIGSYS);
        IN_CHILD(status, __asm__ volatile("int3"));
        CHECK_EQ(WTERMSIG(status), SIGTRAP);
    }
    IN_CHILD(status, { atexit(say_at_exit); exit(6); });
    CHECK_EQ(status, 6 << 8);
    IN_CHILD(status, { atexit(say_at_exit); pthread_exit(NULL); });
    CHECK_EQ(status, 0);
    PASS();
}
