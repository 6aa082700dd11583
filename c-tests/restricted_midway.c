// Shows that a program which gives up rights while it runs (descriptors, file sizes, memory,
// dumpability, its user, /proc) goes on right with sites, threads and forks new to it.
#include "code.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { SITES = 20 };

static unsigned char *text;

static void *new_thread(void *arg) { return (void *)(CALL(text + 128 + 18 * 150) - (long)arg); }

static void go_on(void) {
    long me = raw0(SYS_getpid);
    for (int n = 0; n < 40; n++)
        for (int i = 0; i < SITES - 2; i++) CHECK_EQ(CALL(text + 128 + i * 150), me);
    pthread_t thread;
    void *result = (void *)1;
    if (pthread_create(&thread, NULL, new_thread, (void *)me) == 0) {
        CHECK_EQ(pthread_join(thread, &result), 0);
        CHECK(result == NULL);
    }
    pid_t child = fork();
    if (child == 0) {
        for (int n = 0; n < 40; n++)
            if (CALL(text + 128 + 19 * 150) != raw0(SYS_getpid)) _exit(1);
        _exit(5);
    }
    CHECK(child > 0);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 5 << 8);
}

static void limit(int which, rlim_t value) { CHECK_EQ(setrlimit((unsigned)which, &(struct rlimit){value, value}), 0); }

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < SITES; i++) put_call(bytes, bytes + 128 + i * 150, SYS_getpid);
    text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    int status;
    IN_CHILD(status, { limit(RLIMIT_NOFILE, 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_NOFILE, 3); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_FSIZE, 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_SIGPENDING, 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_MEMLOCK, 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_AS, 1 << 20); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_DATA, 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { limit(RLIMIT_STACK, 65536); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, { prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0); go_on(); });
    CHECK_EQ(status, 0);
    IN_CHILD(status, {
        for (int fd = 0; fd < 1000; fd++) close(fd);
        while (open("/", O_RDONLY) >= 0) {}
        go_on();
    });
    CHECK_EQ(status, 0);
    if (getuid() == 0) {
        IN_CHILD(status, { CHECK_EQ(chroot("/proc/self/fdinfo"), 0); CHECK_EQ(chdir("/"), 0); go_on(); });
        CHECK_EQ(status, 0);
        IN_CHILD(status, { CHECK_EQ(setgid(65534), 0); CHECK_EQ(setuid(65534), 0); go_on(); });
        CHECK_EQ(status, 0);
        IN_CHILD(status, { CHECK_EQ(setgid(65534), 0); CHECK_EQ(setuid(65534), 0); CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0); go_on(); });
        CHECK_EQ(status, 0);
    }
    PASS();
}
