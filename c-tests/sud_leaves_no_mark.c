// Under Syscall User Dispatch there is no filter and no no_new_privs to be seen, and the application's own prctl for it
// says what it says natively: in threads, in children, and in an image that is executed.
// modes: native sud
#include "check.h"
#include <pthread.h>
#include <sys/prctl.h>

#define PR_SET_SYSCALL_USER_DISPATCH 59

static void show_status(void) {
    char line[256];
    FILE *status = fopen("/proc/thread-self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Speculation", 11)) fputs(line, stdout);
    fclose(status);
    printf("seccomp %d, no_new_privs %d\n", prctl(PR_GET_SECCOMP), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    static const unsigned long arguments[][4] = {
        {0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 8}, {1, 8, -8UL, 0}, {1, 0, 0, 1UL << 63}, {3, 0, 0, 0}, {0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        const unsigned long *a = arguments[i];
        errno = 0;
        int result = prctl(PR_SET_SYSCALL_USER_DISPATCH, a[0], a[1], a[2], a[3]);
        printf("%d/%d ", result, errno);
    }
    puts("");
    fflush(stdout);
}

static void *in_thread(void *unused) {
    show_status();
    return unused;
}

int main(int argc, char **argv) {
    show_status();
    if (argc > 1) PASS();
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, in_thread, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    pid_t child = fork();
    if (child == 0) {
        show_status();
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    execl(argv[0], argv[0], "image", NULL);
    return 1;
}
