// Arguments, results, masks, names and handlers' frames in pages that a thread fills by userfaultfd when they are first
// touched: calls find what they want, and wait for it as natively.
// user: root
#include "threads.h"
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { PAGES = 64 };
static int uffd;
static char *pages;
static volatile int filled, next;
static volatile sig_atomic_t handled;

static void *fills(void *unused) {
    static char page[PAGE] __attribute__((aligned(PAGE)));
    for (;;) {
        struct uffd_msg message;
        if (read(uffd, &message, sizeof message) != sizeof message) return unused;
        CHECK_EQ(message.event, UFFD_EVENT_PAGEFAULT);
        memset(page, 0, PAGE);
        strcpy(page, "/");
        struct uffdio_copy copy = {.dst = message.arg.pagefault.address & -(uint64_t)PAGE, .src = (uint64_t)page, .len = PAGE};
        filled++;
        CHECK_EQ(ioctl(uffd, UFFDIO_COPY, &copy), 0);
    }
}

// A page that nobody has touched: "/" and zeros.
static char *fresh(void) {
    CHECK(next < PAGES);
    return pages + next++ * PAGE;
}

static void handler(int sig) {
    (void)sig;
    CHECK_EQ(raw0(600), -ENOSYS);
    handled++;
}

int main(void) {
    uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    if (uffd < 0) SKIP("no userfaultfd");
    struct uffdio_api api = {.api = UFFD_API};
    CHECK_EQ(ioctl(uffd, UFFDIO_API, &api), 0);
    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    struct uffdio_register range = {.range = {(uint64_t)pages, PAGES * PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    CHECK_EQ(ioctl(uffd, UFFDIO_REGISTER, &range), 0);
    start_thread(fills, NULL, 0);
    struct stat status;
    sigset_t set;
    CHECK_EQ(raw2(SYS_stat, fresh(), &status), 0);
    CHECK_EQ(raw2(SYS_stat, "/", fresh()), 0);
    CHECK_EQ(raw4(SYS_openat, AT_FDCWD, fresh(), O_WRONLY, 0), -EISDIR);
    CHECK_EQ(raw3(SYS_readlink, "/proc/self/exe", fresh(), 100) > 0, 1);
    // Masks: '/' is 0x2f.
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, fresh(), fresh(), 8), 0);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &set, 8), 0);
    CHECK_EQ(*(uint64_t *)&set, 0x2f);
    char *both = fresh();
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_UNBLOCK, both, both, 8), 0);
    CHECK_EQ(*(uint64_t *)both, 0x2f);
    CHECK_EQ(raw2(SYS_rt_sigpending, fresh(), 8), 0);
    struct timespec soon = {0, 1000};
    CHECK_EQ(raw5(SYS_ppoll, NULL, 0, &soon, fresh(), 8), 0);
    CHECK_EQ(raw4(SYS_rt_sigtimedwait, fresh(), fresh(), &soon, 8), -EAGAIN);
    // A handler at the address of the text: never called.
    CHECK_EQ(raw4(SYS_rt_sigaction, SIGUSR2, fresh(), fresh(), 8), 0);
    struct sigaction none = {.sa_handler = SIG_DFL};
    CHECK_EQ(sigaction(SIGUSR2, &none, NULL), 0);
    CHECK_EQ(raw2(SYS_sigaltstack, NULL, fresh()), 0);
    // Frames.
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 3; i++) {
        stack_t stack = {.ss_sp = fresh(), .ss_size = 8 * PAGE};
        next += 7;
        CHECK_EQ(sigaltstack(&stack, NULL), 0);
        if (i == 2) raw2(SYS_kill, getpid(), SIGUSR1);
        else CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(handled, i + 1);
    }
    CHECK(filled > 15);
    // A program by a name there.
    char *name = fresh();
    CHECK_EQ(raw3(SYS_execve, name, fresh(), fresh()), -EACCES);
    PASS();
}
