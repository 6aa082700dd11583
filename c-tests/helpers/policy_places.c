// Makes a call of every number with `MARK` as its sixth argument, which a policy denies with error 77: from its own sites, in
// threads, children and handlers, from fresh code, under a filter and a dispatcher of its own, with GS in use. Says for each
// place which numbers were not denied.
#include "../clone.h"
#include <asm/prctl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>

#define MARK 0x7ab5c0deL
enum { NUMBERS = 512 };

static long made(long number) { return rawreg(number, -1, -1, -1, -1, -1, MARK); }

static void all(const char *place, long (*call)(long)) {
    char text[4096];
    int length = snprintf(text, sizeof text, "%s:", place), wrong = 0;
    for (long number = 0; number < NUMBERS; number++) {
        if (number > 334 && number < 424) continue; // no such calls
        if (number > 470) continue;
        long result = call(number);
        // Calls of fewer arguments would carry the mark on.
        __asm__ volatile("xor %%r9d, %%r9d" ::: "r9");
        if (result != -77 && ++wrong < 40) length += snprintf(text + length, sizeof text - length, " %ld=%ld", number, result);
    }
    length += snprintf(text + length, sizeof text - length, wrong ? "\n" : " denied\n");
    if (write(1, text, length) != length) _exit(1);
}

static void *in_thread(void *unused) {
    all("thread", made);
    return unused;
}

static int in_child(void *place) {
    all(place, made);
    return 0;
}

static void on_signal(int signal) {
    (void)signal;
    all("handler", made);
}

static call_fn fresh;
static long by_fresh(long number) {
    long result;
    __asm__ volatile("mov %[mark], %%r9d\n\tcall *%[code]"
                     : "=a"(result)
                     : "a"(number), [code] "r"(fresh), [mark] "i"(MARK), "D"(-1L), "S"(-1L), "d"(-1L)
                     : "rcx", "r9", "r11", "memory");
    return result;
}

// libc's function, whose number comes in a register.
static long by_libc(long number) {
    errno = 0;
    return syscall(number, -1L, -1L, -1L, -1L, -1L, MARK) == -1 ? -errno : 0;
}

static void join(long child) {
    int status;
    CHECK(child > 0);
    CHECK_EQ(waitpid(child, &status, __WALL), child);
    CHECK_EQ(status, 0);
}

int main(int argc, char **argv) {
    static char stack[1 << 18] __attribute__((aligned(16)));
    static const unsigned char code[] = {0x0f, 0x05, 0xc3};
    volatile char selector = 0;
    pthread_t thread;

    all("site", made);
    if (argc > 1 && !strcmp(argv[1], "site")) return 0;
    all("libc", by_libc);
    CHECK_EQ(pthread_create(&thread, NULL, in_thread, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    fresh = make_code(code, sizeof code, PROT_READ | PROT_EXEC);
    all("fresh code", by_fresh);
    join(raw_clone(SIGCHLD, NULL, NULL, NULL, NULL, in_child, "fork"));
    join(raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof stack, NULL, NULL, NULL, in_child, "vfork"));
    join(raw_clone(CLONE_VM | SIGCHLD, stack + sizeof stack, NULL, NULL, NULL, in_child, "clone with CLONE_VM"));
    // Its own filter allows all.
    struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, filter};
    CHECK_EQ(raw3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
    all("own filter", made);
    // A dispatcher that lets everything pass.
    CHECK_EQ(raw5(SYS_prctl, 59, 1, 0, 0, &selector), 0);
    all("dispatcher", made);
    CHECK_EQ(raw5(SYS_prctl, 59, 0, 0, 0, 0), 0);
    CHECK_EQ(raw2(SYS_arch_prctl, ARCH_SET_GS, stack), 0);
    all("GS in use", made);
    // The kernel's other ways in.
    long result = 20; // getpid of i386
    __asm__ volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
    printf("int80: %ld\n", result);
    printf("x32: %ld\n", made(0x40000000 | SYS_getpid));
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "site", (char *)NULL);
    return 1;
}
