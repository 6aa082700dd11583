// Threads whose stacks lie where hook libraries would have theirs, and elsewhere: signals come to them as to any.
// timeout: 30
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { STACK = 1 << 18, SIGNALS = 200 };

static volatile sig_atomic_t caught;
static atomic_int wanted;

static void count(int sig) {
    (void)sig;
    caught++;
}

static void *run(void *unused) {
    for (int i = 0; i < SIGNALS; i++) {
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(caught, 2 * i + 1);
        wanted = 1;
        while (caught == 2 * i + 1) {} // in code of its own, and not in a call
        CHECK(getppid() > 0);
    }
    return unused;
}

int main(void) {
    static const uintptr_t places[] = {0x588000000000, 0x58f000000000, 0x580010000000, 0x200000000000};
    signal(SIGUSR1, count);
    for (int i = 0; i < 4; i++) {
        pthread_attr_t attributes;
        pthread_t thread;
        void *stack = mmap((void *)places[i], STACK, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (stack == MAP_FAILED) continue; // a hook library's
        caught = 0;
        pthread_attr_init(&attributes);
        CHECK_EQ(pthread_attr_setstack(&attributes, stack, STACK), 0);
        CHECK_EQ(pthread_create(&thread, &attributes, run, NULL), 0);
        for (int sent = 0; sent < SIGNALS; sent += atomic_exchange(&wanted, 0) && pthread_kill(thread, SIGUSR1) == 0) sched_yield();
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    PASS();
}
