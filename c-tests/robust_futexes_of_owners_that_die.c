// A robust mutex whose owner dies with it, as a thread by exit, as a process by a signal, by exec and in a call that waits:
// the next one is told, and can go on.
#include "threads.h"
#include <sys/mman.h>
#include <sys/wait.h>

static pthread_mutex_t *mutex;

static void *dies(void *how) {
    CHECK_EQ(pthread_mutex_lock(mutex), 0);
    if (how) raw1(SYS_exit, 0);
    return NULL;
}

static void taken_over(void) {
    CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(mutex), 0);
    CHECK_EQ(pthread_mutex_lock(mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(mutex), 0);
}

static void *waits(void *unused) {
    taken_over();
    return unused;
}

int main(void) {
    mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(mutex != MAP_FAILED);
    pthread_mutexattr_t attributes;
    CHECK_EQ(pthread_mutexattr_init(&attributes), 0);
    CHECK_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
    CHECK_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
    for (int kind = 0; kind < 2; kind++) {
        CHECK_EQ(pthread_mutexattr_setprotocol(&attributes, kind ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE), 0);
        CHECK_EQ(pthread_mutex_init(mutex, &attributes), 0);
        for (int round = 0; round < 10; round++) {
            int status;
            for (long how = 0; how < 2; how++) {
                join_thread(start_thread(dies, (void *)how, 0));
                taken_over();
            }
            IN_CHILD(status, dies(NULL));
            taken_over();
            IN_CHILD(status, dies(NULL), raise(SIGKILL));
            taken_over();
            IN_CHILD(status, dies(NULL), execl("/bin/true", "true", NULL));
            CHECK_EQ(status, 0);
            taken_over();
            // Others wait for it while its owner waits in a call.
            int ready[2];
            char byte;
            CHECK_EQ(pipe(ready), 0);
            pid_t child = fork();
            if (child == 0) {
                dies(NULL);
                CHECK_EQ(write(ready[1], "x", 1), 1);
                for (;;) pause();
            }
            CHECK_EQ(read(ready[0], &byte, 1), 1);
            pthread_t waiter = start_thread(waits, NULL, 0);
            usleep(1000);
            CHECK_EQ(kill(child, SIGKILL), 0);
            join_thread(waiter);
            CHECK_EQ(waitpid(child, &status, 0), child);
            close(ready[0]), close(ready[1]);
        }
        CHECK_EQ(pthread_mutex_destroy(mutex), 0);
    }
    PASS();
}
