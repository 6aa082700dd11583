// Makes the calls that its arguments are the numbers of, with 5 as the first argument, and prints the results;
// `fork`, `exec`, `thread`: does that.
#include "../check.h"
#include <pthread.h>
#include <sys/wait.h>

static void *run(void *number) {
    return (void *)syscall((long)number, 5);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "fork") == 0) {
            pid_t child = fork();
            if (child == 0) _exit(0);
            CHECK_EQ(waitpid(child, NULL, 0), child);
        } else if (strcmp(argv[i], "exec") == 0) {
            execl("/bin/true", "true", (char *)NULL);
            printf("exec: %s\n", strerror(errno));
        } else if (strcmp(argv[i], "thread") == 0) {
            pthread_t thread;
            void *result;
            CHECK_EQ(pthread_create(&thread, NULL, run, (void *)501L), 0);
            CHECK_EQ(pthread_join(thread, &result), 0);
            printf("thread: %ld\n", (long)result);
        } else {
            long result = syscall(atol(argv[i]), 5);
            printf("%s: %ld%s%s\n", argv[i], result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
        }
        fflush(stdout);
    }
    return 0;
}
