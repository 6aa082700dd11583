// A restartable sequence in libc's area: a signal, or another thread that has its turn, in the middle of it leads to its
// abort handler, and no counter misses a step, while calls trap and sites are rewritten around it.
#include "threads.h"
#include <sys/rseq.h>
#include <ucontext.h>

static volatile int over;
static volatile long signals, in_sequence;
extern char sequence_start[], sequence_end[], sequence_abort[];

static struct rseq *area(void) { return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset); }

static void handler(int sig, siginfo_t *info, void *context) {
    int saved = errno;
    char *rip = (char *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)sig, (void)info;
    // Never within: it has been led to the abort handler.
    if (rip >= sequence_start && rip < sequence_end) in_sequence++;
    signals++;
    CHECK_EQ(raw0(600), -ENOSYS);
    errno = saved;
}

// Adds 1, by a sequence that takes some time. Returns 0 if it was aborted.
NOINLINE static int add(long *counter) {
    int done = 0;
    __asm__ volatile(
        ".pushsection __rseq_cs, \"aw\"\n"
        ".balign 32\n"
        "7: .long 0, 0\n"
        "   .quad sequence_start, sequence_end - sequence_start, sequence_abort\n"
        ".popsection\n"
        "   lea 7b(%%rip), %%rax\n"
        "   mov %%rax, %[cs]\n"
        ".globl sequence_start, sequence_end, sequence_abort\n"
        "sequence_start:\n"
        "   mov (%[counter]), %%rcx\n"
        "   mov $300, %%eax\n"
        "1: dec %%eax\n"
        "   jnz 1b\n"
        "   add $1, %%rcx\n"
        "   mov %%rcx, (%[counter])\n"
        "sequence_end:\n"
        "   movl $1, %[done]\n"
        "   jmp 2f\n"
        "   .long %c[signature]\n"
        "sequence_abort:\n"
        "   nop\n"
        "2:\n"
        : [cs] "+m"(area()->rseq_cs), [done] "+m"(done)
        : [counter] "r"(counter), [signature] "i"(RSEQ_SIG)
        : "rax", "rcx", "memory", "cc");
    return done;
}

static void *counts(void *unused) {
    long counter = 0, wanted = 0;
    unsigned char code[8];
    emit_call(code, SYS_getppid);
    for (int i = 0; i < 20000; i++) {
        wanted += add(&counter);
        if (i % 16 == 0) CHECK_EQ(raw0(SYS_getppid), getppid());
        if (i % 500 == 0) { // a new site
            call_fn cold = (call_fn)make_code(code, 8, PROT_READ | PROT_EXEC);
            for (int k = 0; k < 3; k++) {
                wanted += add(&counter);
                CHECK_EQ(cold(0, 0, 0), getppid());
            }
        }
        CHECK_EQ(counter, wanted);
    }
    return unused;
}

static void *sends(void *to) {
    while (!over) {
        pthread_kill(*(pthread_t *)to, SIGUSR1);
        usleep(30);
    }
    return NULL;
}

int main(void) {
    if (__rseq_size == 0) SKIP("libc has no restartable sequences");
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK(area()->cpu_id < 1u << 20);
    pthread_t self = pthread_self(), other = start_thread(sends, &self, 0), second = start_thread(counts, NULL, 0);
    counts(NULL);
    join_thread(second);
    while (signals < 100) counts(NULL);
    over = 1;
    join_thread(other);
    CHECK_EQ(in_sequence, 0);
    PASS();
}
