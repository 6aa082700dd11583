// The whole siginfo, every word of it, of every kind of sender: kill, tgkill, queued values of any
// code, pidfds, timers with overruns, children's fates, descriptors, message queues, faults, limits.
// Taken by handlers in code, in calls that end, in waits and in blocked calls.
#include "threads.h"
#include "interrupted_calls.h"
#include <mqueue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static siginfo_t got[64];
static volatile int taken;
static void take(int sig, siginfo_t *info, void *context) {
    (void)context;
    CHECK_EQ(sig, info->si_signo);
    if (taken < 64) got[taken] = *info;
    __atomic_store_n(&taken, taken + 1, __ATOMIC_RELEASE);
    raw0(SYS_getppid);
    handled++;
}

static pid_t self, child;
static void *fault_page;
static int fds[2];
// Prints every word that is not 0; numbers that differ from run to run by name.
static void show(const char *what, int count) {
    CHECK_EQ(taken, count);
    for (int i = 0; i < count; i++) {
        uint32_t words[32];
        memcpy(words, &got[i], sizeof words);
        printf("%s:", what);
        for (int w = 0; w < 32; w++) {
            if (w < 3 || words[w] == 0) {
                if (w < 3) printf(" %d", (int)words[w]);
                continue;
            }
            if (words[w] == (uint32_t)self) printf(" [%d]=self", w);
            else if (child && words[w] == (uint32_t)child) printf(" [%d]=child", w);
            else if (words[w] == getuid()) printf(" [%d]=uid", w);
            else if (w == 4 && words[w] == (uint32_t)(uintptr_t)fault_page) printf(" [%d]=page", w);
            else if (w == 5 && words[w] == (uint32_t)((uintptr_t)fault_page >> 32)) printf(" [%d]=page", w);
            else printf(" [%d]=%x", w, words[w]);
        }
        printf("\n");
    }
    taken = 0;
}

static void wait_for_taken(int count) {
    while (__atomic_load_n(&taken, __ATOMIC_ACQUIRE) < count) raw0(SYS_getppid), syscall(600);
}

static void senders(void) {
    CHECK_EQ(kill(self, SIGUSR1), 0);
    show("kill", 1);
    CHECK_EQ(raw3(SYS_tgkill, self, self, SIGUSR1), 0);
    show("tgkill", 1);
    CHECK_EQ(raw2(SYS_tkill, self, SIGUSR1), 0);
    show("tkill", 1);
    CHECK_EQ(raise(SIGRTMAX), 0);
    show("raise", 1);
    CHECK_EQ(sigqueue(self, SIGUSR1, (union sigval){.sival_ptr = (void *)0x123456789abcdef0}), 0);
    show("sigqueue", 1);
    int pidfd = (int)raw2(434 /* pidfd_open */, self, 0);
    if (pidfd >= 0) {
        CHECK_EQ(raw4(424 /* pidfd_send_signal */, pidfd, SIGUSR2, NULL, 0), 0);
        show("pidfd", 1);
        CHECK_EQ(close(pidfd), 0);
    }
    // To oneself any code, and any contents.
    static const int codes[] = {SI_QUEUE, SI_MESGQ, SI_ASYNCIO, SI_SIGIO, SI_TKILL, -60, SI_USER, SI_KERNEL, 1, 6};
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
        for (int sig = SIGUSR1; sig < 64; sig += SIGRTMIN + 3 - SIGUSR1) {
            siginfo_t info;
            memset(&info, 0x5a, sizeof info);
            info.si_signo = sig, info.si_errno = 77, info.si_code = codes[i];
            CHECK_EQ(raw3(SYS_rt_sigqueueinfo, self, sig, &info), 0);
            show("rt_sigqueueinfo", 1);
            CHECK_EQ(raw4(SYS_rt_tgsigqueueinfo, self, self, sig, &info), 0);
            show("rt_tgsigqueueinfo", 1);
        }
}

// A handler in a wait, and one in a call that is blocked.
static void *queue_later(void *unused) {
    (void)unused;
    for (int i = 0; i < 2; i++) {
        int before = handled;
        wait_until_asleep(self, self);
        CHECK_EQ(sigqueue(self, SIGUSR1, (union sigval){.sival_int = 4000 + i}), 0);
        while (handled == before) usleep(200);
    }
    wait_until_asleep(self, self);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    return NULL;
}
static void in_waits(void) {
    sigset_t usr1, none;
    char byte;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
    CHECK_EQ(sigqueue(self, SIGUSR1, (union sigval){.sival_int = 99}), 0);
    CHECK_ERR(sigsuspend(&none), EINTR);
    show("in sigsuspend", 1);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &usr1, NULL), 0);
    pthread_t thread = start_thread(queue_later, NULL, 0);
    CHECK_EQ(raw3(SYS_read, fds[0], &byte, 1), 1);
    join_thread(thread);
    show("in read", 2);
}

static void timers(void) {
    timer_t timer;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = (void *)0x1122334455667788};
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    struct itimerspec once = {{0, 0}, {0, 1000}};
    CHECK_EQ(timer_settime(timer, 0, &once, NULL), 0);
    wait_for_taken(1);
    CHECK_EQ(got[0].si_overrun, 0);
    show("timer", 1);
    // Many expiries while it is blocked: one signal, which tells how many.
    CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    struct itimerspec often = {{0, 100000}, {0, 100000}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(timer_settime(timer, 0, &often, NULL), 0);
    usleep(20000);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
    CHECK(taken >= 1);
    CHECK(got[0].si_overrun >= 100);
    CHECK_EQ(timer_settime(timer, 0, &never, NULL), 0);
    CHECK_EQ(got[0].si_value.sival_ptr, (void *)0x1122334455667788);
    CHECK_EQ(timer_delete(timer), 0);
    taken = 0;
    struct itimerval alarm_once = {{0, 0}, {0, 1000}};
    CHECK_EQ(setitimer(ITIMER_REAL, &alarm_once, NULL), 0);
    wait_for_taken(1);
    show("setitimer", 1);
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &alarm_once, NULL), 0);
    wait_for_taken(1);
    show("virtual", 1);
    CHECK_EQ(setitimer(ITIMER_PROF, &alarm_once, NULL), 0);
    wait_for_taken(1);
    show("profile", 1);
}

static void children(void) {
    for (int fate = 0; fate < 4; fate++) {
        int status, go[2];
        char byte;
        CHECK_EQ(pipe(go), 0);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            (void)!read(go[0], &byte, 1);
            switch (fate) {
            case 0: _exit(0x123);
            case 1: raw2(SYS_kill, getpid(), SIGKILL); break;
            case 2: signal(SIGSEGV, SIG_DFL), raise(SIGSEGV); break;
            case 3: raw2(SYS_kill, getpid(), SIGSTOP);
                if (read(go[0], &byte, 1) == 1) _exit(5);
                break;
            }
        }
        CHECK_EQ(write(go[1], "g", 1), 1);
        wait_for_taken(1);
        long ticks = got[0].si_utime + got[0].si_stime;
        CHECK(ticks >= 0 && ticks < 100); // as the clock happened to tick
        got[0].si_utime = got[0].si_stime = 0;
        show("child", 1);
        if (fate == 3) {
            CHECK_EQ(kill(child, SIGCONT), 0);
            wait_for_taken(1);
            CHECK_EQ(write(go[1], "g", 1), 1);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
            wait_for_taken(2);
            for (int i = 0; i < 2; i++) got[i].si_utime = got[i].si_stime = 0;
            show("continued child", 2);
        } else {
            CHECK_EQ(waitpid(child, &status, 0), child);
        }
        CHECK_EQ(close(go[0]) | close(go[1]), 0);
    }
    child = 0;
}

static void descriptors(void) {
    int pair[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_EQ(dup2(pair[0], 200), 200);
    CHECK_EQ(fcntl(200, F_SETOWN, self), 0);
    for (int own = 0; own < 3; own++) { // SIGIO, a signal of choice, SIGIO with its descriptor
        static const int signals[] = {0, 0, SIGIO};
        CHECK_EQ(fcntl(200, F_SETSIG, own == 1 ? SIGRTMIN + 5 : signals[own]), 0);
        CHECK_EQ(fcntl(200, F_SETFL, O_ASYNC), 0);
        CHECK_EQ(write(pair[1], "x", 1), 1);
        wait_for_taken(1);
        show("descriptor", 1);
        CHECK_EQ(fcntl(200, F_SETFL, 0), 0);
    }
    taken = 0;
    CHECK_EQ(close(pair[0]) | close(pair[1]) | close(200), 0);
    int broken[2];
    CHECK_EQ(pipe(broken), 0);
    CHECK_EQ(close(broken[0]), 0);
    CHECK_ERR(write(broken[1], "x", 1), EPIPE);
    show("SIGPIPE", 1);
    CHECK_EQ(close(broken[1]), 0);

    mqd_t queue = mq_open("/usertrap-siginfo", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
    if (queue >= 0) {
        CHECK_EQ(mq_unlink("/usertrap-siginfo"), 0);
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 321};
        CHECK_EQ(mq_notify(queue, &event), 0);
        CHECK_EQ(mq_send(queue, "x", 1, 0), 0);
        wait_for_taken(1);
        show("mq_notify", 1);
        CHECK_EQ(mq_close(queue), 0);
    }
}

static void fix_fault(int sig, siginfo_t *info, void *context) {
    take(sig, info, context);
    ucontext_t *c = context;
    c->uc_mcontext.gregs[REG_RIP] = c->uc_mcontext.gregs[REG_RBX];
}
#define FAULT(code) __asm__ volatile("lea 1f(%%rip), %%rbx\n\t" code "\n1:" ::"a"(fault_page) : "rbx", "rcx", "rdx", "memory")
static void faults(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++) {
        struct sigaction action = {.sa_sigaction = fix_fault, .sa_flags = SA_SIGINFO};
        CHECK_EQ(sigaction(signals[i], &action, NULL), 0);
    }
    fault_page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FAULT("movb $1, (%%rax)");
    show("no write", 1);
    FAULT("movabs $0x1122334455667788, %%rcx\n\tmovb $1, (%%rcx)");
    show("not canonical", 1);
    CHECK_EQ(munmap(fault_page, PAGE), 0);
    FAULT("movb (%%rax), %%cl");
    show("nothing there", 1);
    int fd = open("/proc/self/exe", O_RDONLY);
    char path[] = "/tmp/usertrap-fault-XXXXXX";
    CHECK_EQ(close(fd), 0);
    fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(unlink(path), 0);
    fault_page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    FAULT("movb (%%rax), %%cl");
    show("past the end", 1);
    CHECK_EQ(close(fd), 0);
    fault_page = NULL;
    FAULT("hlt");
    show("hlt", 1);
    FAULT("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tdiv %%ecx");
    CHECK(got[0].si_addr != NULL);
    got[0].si_addr = NULL;
    show("div", 1);
    FAULT("ud2");
    got[0].si_addr = NULL;
    show("ud2", 1);
    FAULT("int3");
    show("int3", 1);
    FAULT("int $0x81");
    show("int 0x81", 1);
}

int main(void) {
    self = getpid();
    sigset_t none;
    sigemptyset(&none);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &none, NULL), 0);
    for (int sig = 1; sig <= 64; sig++) {
        if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33) continue;
        struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO | SA_RESTART};
        CHECK_EQ(sigaction(sig, &action, NULL), 0);
    }
    CHECK_EQ(pipe(fds), 0);
    for (int turn = 0; turn < 3; turn++) {
        senders();
        in_waits();
        timers();
        children();
        descriptors();
    }
    faults();
    PASS();
}
