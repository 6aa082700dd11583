// user: root
// The program that the stat_tree_*.sh tests run under the stat tool: trees of processes
// that make a known number of getppid calls. Without arguments it does nothing.
#include "threads.h"
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

enum { MANY = 1000 };

static NOINLINE void calls(long times) {
    while (times-- > 0) raw0(SYS_getppid);
}

static void *thread_calls(void *times) {
    calls((long)times);
    return NULL;
}

static int waiting;

static void *thread_calls_and_waits(void *times) {
    calls((long)times);
    __atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
    for (;;) pause();
    return NULL;
}

// A child by vfork that makes calls, and then executes `words` or ends.
static NOINLINE pid_t vforked(long times, char **words) {
    pid_t child = vfork();
    if (child == 0) {
        calls(times);
        if (words) execve(words[0], words, environ);
        _exit(words ? 9 : 0);
    }
    return child;
}

// Bytes that the memory has which the tree shares.
static long shared_bytes(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    char line[512];
    long pages = 0;
    unsigned long start, end;
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx rw-s", &start, &end) != 2 || !strstr(line, "rw-s") || !strstr(line, "memfd:usertrap"))
            continue;
        unsigned char *there = malloc((end - start) / 4096);
        CHECK_EQ(mincore((void *)start, end - start, there), 0);
        for (unsigned long page = 0; page < (end - start) / 4096; page++) pages += there[page] & 1;
        free(there);
    }
    fclose(maps);
    return pages * 4096;
}

// Waits until `child` has stopped itself, which it does when it has made its calls.
static void until_stopped(pid_t child) {
    int status;
    CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status));
}

static void reap(pid_t child) {
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
}

// One child of each way to end.
static void deaths(void) {
    static const char *const ways[] = {"exit", "_exit", "exit_group", "thread-exit", "kill", "term", "abort", "fault"};
    for (unsigned way = 0; way < sizeof ways / sizeof *ways; way++) {
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_DUMPABLE, 0);
            calls(MANY);
            switch (way) {
            case 0: exit(0);
            case 1: _exit(1);
            case 2: raw1(SYS_exit_group, 2); break;
            case 3: raw1(SYS_exit, 3); break;
            case 4: case 5: raise(SIGSTOP); for (;;) pause();
            case 6: abort();
            default: __builtin_trap();
            }
        }
        if (way == 4 || way == 5) {
            until_stopped(child);
            kill(child, way == 4 ? SIGKILL : SIGTERM);
            kill(child, SIGCONT);
        }
        reap(child);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) PASS();
    const char *how = argv[1];
    long number = argc > 2 ? atol(argv[2]) : 0, each = argc > 3 ? atol(argv[3]) : MANY;
    if (!strcmp(how, "sequence") || !strcmp(how, "sizes")) { // one after the other
        for (long i = 0; i < number; i++) {
            if (!strcmp(how, "sizes") && i % (number / 4) == 0) printf("%ld\n", shared_bytes());
            pid_t child = fork();
            if (child == 0) {
                calls(each);
                _exit(0);
            }
            reap(child);
        }
    } else if (!strcmp(how, "together") || !strcmp(how, "zombies")) {
        pid_t *children = calloc(number, sizeof *children);
        for (long i = 0; i < number; i++) {
            children[i] = fork();
            CHECK(children[i] >= 0);
            if (children[i] == 0) {
                calls(each);
                _exit(0);
            }
        }
        if (!strcmp(how, "zombies")) { // they end, and nobody asks for them
            siginfo_t info;
            for (long i = 0; i < number; i++) CHECK_EQ(waitid(P_PID, children[i], &info, WEXITED | WNOWAIT), 0);
        } else
            for (long i = 0; i < number; i++) reap(children[i]);
    } else if (!strcmp(how, "killed")) { // each is killed when it has made its calls
        for (long i = 0; i < number; i++) {
            pid_t child = fork();
            if (child == 0) {
                calls(each);
                raise(SIGSTOP);
            }
            until_stopped(child);
            kill(child, SIGKILL);
            reap(child);
        }
    } else if (!strcmp(how, "killed-anywhere")) { // at any instruction
        volatile long *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        for (long i = 0; i < number; i++) {
            pid_t child = fork();
            if (child == 0) {
                for (long n = 0; n < each; n++) {
                    raw0(SYS_getppid);
                    made[1]++;
                }
                _exit(0);
            }
            struct timespec time = {0, (i * 7919 % 400) * 1000};
            nanosleep(&time, NULL);
            kill(child, SIGKILL);
            reap(child);
        }
        printf("%ld\n", made[1]);
    } else if (!strcmp(how, "deep")) { // each is the child of the one before
        while (number-- > 0) {
            pid_t child = fork();
            if (child != 0) {
                reap(child);
                break;
            }
            calls(each);
        }
    } else if (!strcmp(how, "vfork")) {
        for (long i = 0; i < number; i++) {
            reap(vforked(each, NULL));
        }
    } else if (!strcmp(how, "threads")) { // four threads in each child, one after the other and together
        for (long i = 0; i < number; i++) {
            pid_t child = fork();
            if (child == 0) {
                pthread_t threads[4];
                for (int t = 0; t < 4; t++) pthread_join(start_thread(thread_calls, (void *)each, 0), NULL);
                for (int t = 0; t < 4; t++) threads[t] = start_thread(thread_calls, (void *)each, 0);
                for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
                calls(each);
                _exit(0);
            }
            reap(child);
        }
    } else if (!strcmp(how, "orphans")) { // they outlive their parent, not the root
        for (long i = 0; i < number; i++) {
            int ends[2];
            CHECK_EQ(pipe(ends), 0);
            pid_t child = fork();
            if (child == 0) {
                if (fork() == 0) {
                    close(ends[0]);
                    while (getppid() != 1) usleep(100);
                    calls(each);
                    _exit(0);
                }
                _exit(0);
            }
            close(ends[1]);
            reap(child);
            char byte;
            CHECK_EQ(read(ends[0], &byte, 1), 0);
            close(ends[0]);
        }
    } else if (!strcmp(how, "runs")) { // one that is still there when the root ends
        int ends[2];
        CHECK_EQ(pipe(ends), 0);
        if (fork() == 0) {
            calls(each);
            CHECK_EQ(write(ends[1], "x", 1), 1);
            close(1);
            close(2);
            sleep(number);
            calls(each);
            _exit(0);
        }
        char byte;
        CHECK_EQ(read(ends[0], &byte, 1), 1);
    } else if (!strcmp(how, "chain") || !strcmp(how, "thread-chain")) { // one process, `number` programs
        char less[20], same[20];
        if (!strcmp(how, "thread-chain")) { // each leaves eight threads
            for (int t = 0; t < 8; t++) start_thread(thread_calls_and_waits, (void *)each, 0);
            while (__atomic_load_n(&waiting, __ATOMIC_RELAXED) < 8) sched_yield();
        }
        calls(each);
        if (number > 1) {
            snprintf(less, sizeof less, "%ld", number - 1);
            snprintf(same, sizeof same, "%ld", each);
            execl(argv[0], argv[0], how, less, same, (char *)NULL);
            return 9;
        }
    } else if (!strcmp(how, "exec") || !strcmp(how, "vfork-exec") || !strcmp(how, "thread-exec")) {
        char same[20];
        snprintf(same, sizeof same, "%ld", each);
        char *words[] = {argv[0], "chain", "1", same, NULL};
        for (long i = 0; i < number; i++) {
            pid_t child = !strcmp(how, "vfork-exec") ? vforked(each, words) : fork();
            if (child == 0) {
                if (!strcmp(how, "thread-exec")) // other threads have counted, and are there
                    for (int t = 0; t < 4; t++) start_thread(thread_calls_and_waits, (void *)each, 0);
                calls(each);
                while (!strcmp(how, "thread-exec") && __atomic_load_n(&waiting, __ATOMIC_RELAXED) < 4) sched_yield();
                execve(words[0], words, environ);
                _exit(9);
            }
            reap(child);
        }
    } else if (!strcmp(how, "failed-exec")) { // the process goes on, and counts
        for (long i = 0; i < number; i++) {
            CHECK_ERR(execl("/nowhere/at/all", "x", (char *)NULL), ENOENT);
            CHECK_ERR(execl("/dev/null", "x", (char *)NULL), EACCES);
            calls(each);
        }
    } else if (!strcmp(how, "deaths")) {
        deaths();
    } else
        return 9;
    return 0;
}
