// A SIGSYS or SIGILL that somebody sends reaches the application's handler, with the sender's
// data and under its mask, while the application's calls are still served.
// also: sud vetted
#include "threads.h"

static volatile sig_atomic_t count, code, value;
static uint64_t mask_inside;
static volatile pid_t sender;
static int sent;
static void handler(int sig, siginfo_t *info, void *context) {
    (void)context;
    CHECK_EQ(sig, sent);
    count++;
    code = info->si_code;
    sender = info->si_pid;
    value = info->si_value.sival_int;
    unsigned char bytes[8];
    emit_call(bytes, SYS_getppid);
    call_fn cold = (call_fn)make_code(bytes, 8, PROT_READ | PROT_EXEC);
    CHECK_EQ(cold(0, 0, 0), getppid());
    CHECK_EQ(raw0(600), -ENOSYS);
    CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask_inside, 8), 0);
}

static void *other_thread(void *main_id) {
    CHECK_EQ(syscall(SYS_tgkill, getpid(), (pid_t)(long)main_id, sent), 0);
    return NULL;
}

static void signals_of(int sig) {
    sent = sig;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaddset(&action.sa_mask, SIGUSR1);
    CHECK_EQ(sigaction(sent, &action, NULL), 0);
    for (int turn = 1; turn <= 50; turn++) {
        count = 0;
        CHECK_EQ(kill(getpid(), sent), 0);
        CHECK_EQ(count, 1);
        CHECK_EQ(code, SI_USER);
        CHECK_EQ(sender, getpid());
        CHECK_EQ(mask_inside, 1ull << (SIGUSR1 - 1) | 1ull << (sent - 1));
        CHECK_EQ(raise(sent), 0);
        CHECK_EQ(count, 2);
        CHECK_EQ(code, SI_TKILL);
        union sigval data = {.sival_int = turn * 3};
        CHECK_EQ(sigqueue(getpid(), sent, data), 0);
        CHECK_EQ(count, 3);
        CHECK_EQ(code, SI_QUEUE);
        CHECK_EQ(value, turn * 3);
        join_thread(start_thread(other_thread, (void *)(long)getpid(), 0));
        while (count < 4) sched_yield();
        CHECK_EQ(code, SI_TKILL);
        int status;
        IN_CHILD(status, CHECK_EQ(kill(getppid(), sent), 0));
        CHECK_EQ(status, 0);
        while (count < 5) sched_yield();
        CHECK_EQ(code, SI_USER);
        CHECK_EQ(raw0(SYS_getpid), getpid());
    }
    // SA_RESETHAND: the second one would kill; in a child it does.
    int status;
    IN_CHILD(status, {
        action.sa_flags = SA_SIGINFO | SA_RESETHAND;
        CHECK_EQ(sigaction(sent, &action, NULL), 0);
        count = 0;
        CHECK_EQ(raise(sent), 0);
        CHECK_EQ(count, 1);
        CHECK_EQ(raw0(600), -ENOSYS);
        raise(sent);
    });
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), sent);
}

int main(void) {
    signals_of(SIGSYS);
    signals_of(SIGILL);
    PASS();
}
