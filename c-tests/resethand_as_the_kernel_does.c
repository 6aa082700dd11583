// SA_RESETHAND resets the handler when a signal is delivered, not when it is sent or blocked, also
// when there is no room for its frame; it leaves the flags, of which SA_NOCLDWAIT stays in force, and
// says nothing about blocking: that is SA_NODEFER. The next signal has the default action.
#include "check.h"
#include <ucontext.h>

static volatile sig_atomic_t ran, inside, blocked_then;
static int handler_is_default(int sig) {
    struct sigaction now;
    CHECK_EQ(sigaction(sig, NULL, &now), 0);
    return now.sa_handler == SIG_DFL;
}
static void handler(int sig) {
    sigset_t now;
    ran++;
    CHECK(handler_is_default(sig)); // already
    CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &now), 0);
    blocked_then = sigismember(&now, sig);
    if (inside) CHECK_EQ(raw3(SYS_tgkill, getpid(), raw0(SYS_gettid), sig), 0);
    inside = 0;
}

static void catch(int sig, unsigned flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)(flags | SA_RESETHAND)};
    sigaddset(&action.sa_mask, SIGWINCH);
    CHECK_EQ(sigaction(sig, &action, NULL), 0);
    ran = 0;
}

// Whether a child that ends now leaves a zombie.
static int leaves_zombie(void) {
    pid_t child = fork();
    if (child == 0) _exit(3);
    int status;
    pid_t got = waitpid(child, &status, 0);
    CHECK(got == child || (got == -1 && errno == ECHILD));
    return got == child;
}

static void send_without_stack(int sig) {
    long pid = raw0(SYS_getpid);
    __asm__ volatile("mov %0, %%rsp\n\tmov $234, %%eax\n\tsyscall\n\tud2" ::"r"(4096l), "D"(pid), "S"(pid), "d"((long)sig));
    __builtin_unreachable();
}
static void on_fault(int sig, siginfo_t *info, void *context) {
    (void)context;
    CHECK_EQ(info->si_code, SI_KERNEL);
    CHECK_EQ(info->si_addr, 0);
    CHECK(handler_is_default(SIGUSR1));
    CHECK_EQ(sig, SIGSEGV);
    _exit(21);
}

int main(void) {
    int status;
    pid_t pid = getpid();
    static const int signals[] = {SIGUSR1, SIGCHLD, SIGURG, SIGSEGV, SIGFPE, SIGTRAP, SIGILL, SIGSYS, SIGALRM, SIGTERM};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        int sig = signals[i];
        for (int nodefer = 0; nodefer < 2; nodefer++) {
            catch(sig, nodefer ? SA_NODEFER : 0);
            // Reads back as it was set until it is delivered.
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, sig);
            CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
            CHECK_EQ(raw3(SYS_tgkill, pid, pid, sig), 0);
            CHECK(!handler_is_default(sig));
            CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
            CHECK_EQ(ran, 1);
            CHECK_EQ(blocked_then, !nodefer);
            struct sigaction now;
            CHECK_EQ(sigaction(sig, NULL, &now), 0);
            CHECK(now.sa_handler == SIG_DFL);
            printf("%d: flags %x, mask %d\n", sig, (unsigned)now.sa_flags, sigismember(&now.sa_mask, SIGWINCH));
            // The next one has the default action, when it comes: inside the handler with SA_NODEFER.
            IN_CHILD(status, {
                catch(sig, nodefer ? SA_NODEFER : 0);
                inside = 1;
                pid_t me = getpid();
                raw3(SYS_tgkill, me, me, sig);
                CHECK_EQ(ran, 1);
                fflush(stdout);
                raw3(SYS_tgkill, me, me, sig);
                _exit(ran);
            });
            printf("%d: status %x\n", sig, (unsigned)status & 0xff7f);
        }
    }

    // Two that pend together: the second one finds it reset, unless the kernel keeps one only.
    IN_CHILD(status, {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        catch(SIGRTMIN, SA_NODEFER);
        for (int i = 0; i < 2; i++) CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        _exit(ran);
    });
    printf("two at once: %x\n", (unsigned)status);

    // SA_NOCLDWAIT outlives the handler.
    for (int nocldwait = 0; nocldwait < 2; nocldwait++) {
        catch(SIGCHLD, nocldwait ? SA_NOCLDWAIT : 0);
        CHECK_EQ(raise(SIGCHLD), 0);
        CHECK_EQ(ran, 1);
        printf("zombies after the handler: %d\n", leaves_zombie());
    }

    CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    // No room for the frame: it is reset all the same.
    static char altstack[32768];
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    IN_CHILD(status, {
        catch(SIGUSR1, 0);
        send_without_stack(SIGUSR1);
    });
    CHECK_EQ(status, 21 << 8);
    PASS();
}
