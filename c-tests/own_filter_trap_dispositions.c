// A trap of the application's own filter kills where SIGSYS is blocked, ignored or not caught, also
// in the handler of another such trap; with SA_NODEFER it is nested, with SA_RESETHAND it comes once,
// and on an alternate stack if that is asked for. All threads have it so.
#include "own_filter.h"
#include <pthread.h>

static volatile int count, depth, most;
static char alternate[64 * 1024];
static volatile int on_alternate;

static void on_trap(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)info;
    char here;
    on_alternate = &here > alternate && &here < alternate + sizeof alternate;
    count++;
    if (++depth > most) most = depth;
    if (depth < 3 && (count & 1)) raw1(SYS_setfsuid, depth);
    depth--;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void plain(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)info;
    char here;
    on_alternate = &here > alternate && &here < alternate + sizeof alternate;
    count++;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void in_handler(int sig) {
    (void)sig;
    raw1(SYS_setfsuid, 1);
}

static void catch(int flags, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
}

static void block(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

static void *call(void *arg) {
    CHECK_EQ(raw1(SYS_setfsuid, 1), 4711);
    return arg;
}

static void show(const char *what, int status) {
    if (WIFSIGNALED(status)) printf("%s: signal %d, core %d\n", what, WTERMSIG(status), WCOREDUMP(status) != 0);
    else printf("%s: status %d\n", what, WEXITSTATUS(status));
}

static void trap(void) { decide(SYS_setfsuid, SECCOMP_RET_TRAP | 5); }

int main(void) {
    int status;
    IN_CHILD(status, { trap(); call(NULL); });
    show("default", status);
    IN_CHILD(status, { signal(SIGSYS, SIG_IGN); trap(); call(NULL); });
    show("ignored", status);
    IN_CHILD(status, { catch(0, plain); block(); trap(); call(NULL); });
    show("blocked", status);
    IN_CHILD(status, { catch(0, on_trap); trap(); call(NULL); });
    show("in its own handler", status);
    IN_CHILD(status, { catch(SA_NODEFER, on_trap); trap(); call(NULL); CHECK_EQ(most, 2); CHECK_EQ(count, 2); call(NULL); });
    show("nested", status);
    IN_CHILD(status, { catch(SA_RESETHAND, plain); trap(); call(NULL); CHECK_EQ(count, 1); SAY("once\n"); call(NULL); });
    show("once", status);
    IN_CHILD(status, {
        struct sigaction action = {.sa_handler = in_handler};
        sigfillset(&action.sa_mask);
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        catch(0, plain);
        trap();
        raise(SIGUSR1);
    });
    show("in a handler that blocks it", status);
    IN_CHILD(status, {
        struct sigaction action = {.sa_handler = in_handler};
        CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
        catch(0, plain);
        trap();
        for (int i = 0; i < 5; i++) raise(SIGUSR1);
        CHECK_EQ(count, 5);
    });
    show("in a handler that does not", status);
    IN_CHILD(status, {
        stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
        CHECK_EQ(sigaltstack(&stack, NULL), 0);
        catch(SA_ONSTACK, plain);
        trap();
        call(NULL);
        CHECK(on_alternate);
        catch(0, plain);
        call(NULL);
        CHECK(!on_alternate);
    });
    show("alternate stack", status);
    IN_CHILD(status, {
        catch(0, plain);
        trap();
        for (int i = 0; i < 5; i++) {
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, call, NULL), 0);
            CHECK_EQ(pthread_join(thread, NULL), 0);
        }
        CHECK_EQ(count, 5);
        block();
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, call, NULL), 0);
        pthread_join(thread, NULL);
    });
    show("blocked in a thread", status);
    PASS();
}
