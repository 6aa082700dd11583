// static: yes
// Calls with pointers that lead nowhere, to the end of what is mapped or of a file, or into the kernel fail with
// EFAULT or do what they can, whatever becomes of fault signals: default, caught, blocked, ignored. No handler of the
// program's is called for them. bad_pointers_under_tools.sh runs this where each of these pointers is looked at.
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

static volatile int faults, sent;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    if (info->si_code > 0) faults++;
    else sent++;
}

static char *pages, *file;
static int null;
static unsigned written;

// Two pages that can be read, with none behind them; and a page of a file of one byte, with one behind the file's end.
static void map(void) {
    pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQ(mprotect(pages + 2 * PAGE, PAGE, PROT_NONE), 0);
    int fd = memfd_create("file", MFD_CLOEXEC);
    CHECK_EQ(ftruncate(fd, 1), 0);
    file = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(pages != MAP_FAILED && file != MAP_FAILED);
    close(fd);
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static void look_at(uint64_t pointer) {
    CHECK_EQ(raw1(SYS_chdir, pointer), -EFAULT);
    CHECK_EQ(raw2(SYS_nanosleep, pointer, 0), -EFAULT);
    CHECK_EQ(raw3(SYS_poll, pointer, 3, 0), -EFAULT);
    CHECK_EQ(raw3(SYS_writev, null, pointer, 2), -EFAULT);
    CHECK_EQ(raw3(SYS_execve, pointer, 0, 0), -EFAULT);
    struct iovec one = {(void *)pointer, 100};
    // /dev/null does not look, so here it depends on the address: compared with the native run.
    int natural = raw3(SYS_writev, null, &one, 1) == 100;
    written = written * 3 + (unsigned)natural;
    CHECK_EQ(raw3(SYS_write, null, pointer, 100), natural ? 100 : -EFAULT);
    CHECK_EQ(raw2(SYS_rename, "/nonexistent", pointer), -EFAULT);
}

static void look(void) {
    const uint64_t bad[] = {8, (uint64_t)pages + 2 * PAGE, (uint64_t)pages + 2 * PAGE - 3, (uint64_t)file + PAGE,
                            (uint64_t)file + PAGE - 1, 1ull << 63, 1ull << 47, (1ull << 47) - 1, 0xffffffff81000000, -1ull, -4096ull};
    memset(pages, 'x', 2 * PAGE); // strings do not end
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (bad[i] != (uint64_t)file + PAGE - 1) look_at(bad[i]);
    // To the last byte that there is, and over two pages.
    strcpy(pages + 2 * PAGE - 13, "/nonexistent");
    CHECK_EQ(raw1(SYS_chdir, pages + 2 * PAGE - 13), -ENOENT);
    strcpy(pages + PAGE - 5, "/nonexistent");
    CHECK_EQ(raw1(SYS_chdir, pages + PAGE - 5), -ENOENT);
    CHECK_EQ(raw3(SYS_write, null, pages + PAGE - 5, 10), 10);
    CHECK_EQ(faults, 0);
}

static void mask(int how, int first, int second) {
    sigset_t set;
    sigemptyset(&set);
    if (first) sigaddset(&set, first), sigaddset(&set, second);
    else sigfillset(&set);
    CHECK_EQ(pthread_sigmask(how, &set, NULL), 0);
}

static void *in_thread(void *blocks) {
    if (blocks) mask(SIG_BLOCK, 0, 0);
    look();
    mask(SIG_UNBLOCK, SIGSEGV, SIGBUS);
    look();
    return NULL;
}

static void in_handler(int signal) {
    (void)signal;
    look();
}

static void in_child(void (*what)(void)) {
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        what();
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

static void ignored(void) {
    signal(SIGSEGV, SIG_IGN);
    look();
    signal(SIGBUS, SIG_IGN);
    look();
    signal(SIGSEGV, SIG_DFL), signal(SIGBUS, SIG_DFL);
    look();
    pid_t pid = vfork();
    if (pid == 0) {
        signal(SIGBUS, SIG_IGN);
        look();
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    look();
}

int main(void) {
    map();
    look();
    in_child(look);
    in_child(ignored);
    // Blocked and let in again, by all that changes a mask.
    for (int i = 0; i < 3; i++) {
        mask(SIG_BLOCK, SIGSEGV, SIGSEGV);
        look();
        mask(SIG_SETMASK, SIGBUS, SIGBUS);
        look();
        mask(SIG_BLOCK, 0, 0);
        look();
        mask(SIG_UNBLOCK, 0, 0);
        look();
    }
    struct sigaction action = {.sa_handler = in_handler};
    for (int all = 0; all < 2; all++) {
        if (all) sigfillset(&action.sa_mask);
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        CHECK_EQ(raise(SIGUSR1), 0);
        look();
        mask(SIG_BLOCK, 0, 0);
        CHECK_EQ(raise(SIGUSR1), 0);
        sigset_t none;
        sigemptyset(&none);
        CHECK_ERR(sigsuspend(&none), EINTR);
        look();
        mask(SIG_UNBLOCK, 0, 0);
    }
    action = (struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGBUS, &action, NULL), 0);
    look();
    in_child(look);
    for (long blocks = 0; blocks < 2; blocks++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, in_thread, (void *)blocks), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        look();
    }
    CHECK_EQ(sent, 0);
    CHECK_EQ(raise(SIGSEGV), 0);
    CHECK_EQ(sent, 1);
    look();
    printf("%u\n", written);
    PASS();
}
