// An instruction that is invalid ends a process, or comes to its handler, whatever SIGILL is: default, ignored, caught,
// blocked, waiting, inside its own handler, to be caught once; and calls are made as ever then, also at a site that was
// entered at its `syscall`.
#include "threads.h"
#include <sys/resource.h>
#include <ucontext.h>

// Number 39 by a site that is entered at its head, or another one at its `syscall`.
long enter_head(void), enter_call(long number);
__asm__(".text\n"
        ".type enter_head,@function\n"
        "enter_head:\n"
        "  .cfi_startproc\n"
        "  mov $39, %eax\n"
        "1: syscall\n"
        "  ret\n"
        "  .cfi_endproc\n"
        ".size enter_head, .-enter_head\n"
        ".type enter_call,@function\n"
        "enter_call:\n"
        "  .cfi_startproc\n"
        "  mov %edi, %eax\n"
        "  jmp 1b\n"
        "  .cfi_endproc\n"
        ".size enter_call, .-enter_call\n");

static pid_t pid, parent;
static volatile sig_atomic_t count, code, depth;
static siginfo_t last;

static void calls(void) {
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(enter_head(), pid);
        CHECK_EQ(enter_call(SYS_getppid), parent);
        CHECK_EQ(enter_call(600), -ENOSYS);
        CHECK_EQ(raw0(SYS_getpid), pid);
    }
}

static void skips(int sig, siginfo_t *info, void *context) {
    (void)sig;
    count++;
    last = *info;
    calls();
    if (info->si_code > 0) ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static void falls_again(int sig, siginfo_t *info, void *context) {
    if (depth++ < 3) __asm__ volatile("ud2");
    skips(sig, info, context);
}

static void catch(void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    CHECK_EQ(sigaction(SIGILL, &action, NULL), 0);
}

static void change(int how) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGILL);
    CHECK_EQ(pthread_sigmask(how, &only, NULL), 0);
}

static int waits(void) {
    sigset_t set;
    CHECK_EQ(sigpending(&set), 0);
    return sigismember(&set, SIGILL);
}

static void invalid(void) { __asm__ volatile("ud2"); }
static void invalid_06(void) { __asm__ volatile(".byte 0x06, 0x90"); }

static void *invalid_in_thread(void *unused) {
    change(SIG_BLOCK);
    calls();
    invalid();
    return unused;
}

static void *sends_to_main(void *unused) {
    CHECK_EQ(syscall(SYS_tgkill, pid, pid, SIGILL), 0);
    return unused;
}

enum { CASES = 22 };

// Returns how often the handler has run, if it comes to that.
static int make(int which) {
    switch (which) {
    case 0: break;
    case 1: signal(SIGILL, SIG_IGN); break;
    case 2: change(SIG_BLOCK); break;
    case 3: catch(skips, 0), change(SIG_BLOCK); break;
    case 4: signal(SIGILL, SIG_IGN), change(SIG_BLOCK); break;
    case 5: catch(skips, 0); break;
    case 6: catch(falls_again, 0); break;
    case 7: catch(falls_again, SA_NODEFER); break;
    case 8: catch(skips, (int)SA_RESETHAND); break;
    case 9: // it waits
        change(SIG_BLOCK);
        CHECK_EQ(raise(SIGILL), 0);
        CHECK_EQ(waits(), 1);
        break;
    case 10: // the same, caught
        catch(skips, 0), change(SIG_BLOCK);
        CHECK_EQ(kill(pid, SIGILL), 0);
        CHECK_EQ(waits(), 1);
        break;
    case 11: // it waited
        catch(skips, 0), change(SIG_BLOCK);
        CHECK_EQ(kill(pid, SIGILL), 0);
        change(SIG_UNBLOCK);
        CHECK_EQ(count, 1);
        CHECK_EQ(last.si_code, SI_USER);
        break;
    case 12: // ignored, it is sent
        signal(SIGILL, SIG_IGN);
        CHECK_EQ(kill(pid, SIGILL), 0);
        CHECK_EQ(raise(SIGILL), 0);
        CHECK_EQ(waits(), 0);
        break;
    case 13: // blocked and ignored, it waits; then it is forgotten
        change(SIG_BLOCK), signal(SIGILL, SIG_DFL);
        CHECK_EQ(raise(SIGILL), 0);
        CHECK_EQ(waits(), 1);
        signal(SIGILL, SIG_IGN);
        CHECK_EQ(waits(), 0);
        change(SIG_UNBLOCK);
        catch(skips, 0);
        break;
    case 14: // blocked by a thread that comes upon one, and not by the others
        catch(skips, 0);
        pthread_join(start_thread(invalid_in_thread, NULL, 0), NULL);
        break;
    case 15: signal(SIGILL, SIG_IGN), pthread_join(start_thread(invalid_in_thread, NULL, 0), NULL); break;
    case 16: // taken out by a wait
    {
        catch(skips, 0), change(SIG_BLOCK);
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, SIGILL);
        CHECK_EQ(raise(SIGILL), 0);
        CHECK_EQ(sigwaitinfo(&only, NULL), SIGILL);
        CHECK_EQ(waits(), 0);
        change(SIG_UNBLOCK);
        break;
    }
    case 17: catch(skips, 0), calls(), invalid_06(), invalid(); break;
    case 18: // another thread's, in the middle of calls
        catch(skips, 0);
        pthread_t other = start_thread(sends_to_main, NULL, 0);
        while (count == 0) calls();
        pthread_join(other, NULL);
        CHECK_EQ(last.si_code, SI_TKILL);
        break;
    case 19: // on a stack that is too small: SIGSEGV
    {
        static char stack[16384];
        stack_t small = {.ss_sp = stack, .ss_size = 2048};
        CHECK_EQ(sigaltstack(&small, NULL), 0);
        catch(skips, SA_ONSTACK);
        break;
    }
    case 20: // the child of a vfork: both have the same memory, not the same handlers
    {
        catch(skips, 0);
        pid_t child = vfork();
        if (child == 0) {
            signal(SIGILL, SIG_DFL);
            invalid();
            _exit(9);
        }
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status));
        CHECK_EQ(WTERMSIG(status), SIGILL);
        break;
    }
    case 21: // what has been deferred to the end of a handler
        catch(skips, 0);
        CHECK_EQ(raise(SIGILL), 0);
        invalid();
        break;
    }
    calls();
    invalid();
    CHECK_EQ(last.si_code, ILL_ILLOPN);
    CHECK_EQ(waits(), which == 10 ? 1 : 0);
    calls();
    return count;
}

int main(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < CASES; i++) {
            int status;
            parent = getpid();
            IN_CHILD(status, pid = getpid(), _exit(make(i)));
            printf("%d: %s %d\n", i, WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "count", WIFSIGNALED(status) ? 0 : WEXITSTATUS(status));
        }
    PASS();
}
