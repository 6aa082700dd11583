// Without handlers, children die by the right signal: ud2, int3, NULL, division, abort,
// raise of SIGSYS and others, also when the signal was ignored or blocked before a fault.
#include "check.h"

static void die(int how) {
    switch (how) {
    case 0: __asm__ volatile("ud2"); break;
    case 1: __asm__ volatile("int3"); break;
    case 2: __asm__ volatile("movl $1, 0"); break;
    case 3: abort();
    case 4: raise(SIGSYS); break;
    case 5: raise(SIGILL); break;
    case 6: raise(SIGTERM); break;
    case 7: kill(getpid(), SIGKILL); break;
    case 8: __asm__ volatile("cltd\n\tidivl %%ecx" ::"a"(1), "c"(0) : "rdx"); break;
    case 9: raw2(SYS_kill, getpid(), SIGSYS); break;
    case 10: signal(SIGSYS, SIG_IGN); signal(SIGSYS, SIG_DFL); raise(SIGSYS); break;
    case 11: signal(SIGILL, SIG_IGN); __asm__ volatile("ud2"); break;  // a fault cannot be ignored
    case 12: signal(SIGSEGV, SIG_IGN); __asm__ volatile("movl $1, 8"); break;
    case 13: raise(SIGTRAP); break;
    case 14: raise(SIGSEGV); break;
    case 15: ((void (*)(void))0x10)(); break;
    case 16: {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        __asm__ volatile("ud2");
        break;
    }
    case 17: __asm__ volatile("hlt"); break;
    case 18: { // no usable stack for a frame of the application's handler
        struct sigaction action = {.sa_handler = (void (*)(int))0x1000};
        sigaction(SIGUSR1, &action, NULL);
        __asm__ volatile("mov %0, %%rsp\n\tmov $234, %%eax\n\tsyscall" ::"r"(16l), "D"(getpid()), "S"(getpid()), "d"(SIGUSR1));
        break;
    }
    }
}

int main(void) {
    static const int want[] = {SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGSYS, SIGILL, SIGTERM, SIGKILL, SIGFPE, SIGSYS,
                               SIGSYS, SIGILL, SIGSEGV, SIGTRAP, SIGSEGV, SIGSEGV, SIGILL, SIGSEGV, SIGSEGV};
    for (int turn = 0; turn < 2; turn++)
        for (int how = 0; how < 19; how++) {
            int status;
            IN_CHILD(status, die(how));
            printf("%d: status %#x\n", how, status);
            CHECK(WIFSIGNALED(status));
            CHECK_EQ(WTERMSIG(status), want[how]);
        }
    PASS();
}
