// Timers at 10 kHz over loops of calls in four threads: no byte of a pipe is lost, no
// result is wrong, and red zone, registers and xmm registers keep their patterns.
#include "threads.h"
#include <signal.h>
#include <sys/time.h>
#include <time.h>

enum { TURNS = 20000 };
static volatile long signals;
static volatile long bad;

static void handler(int sig) {
    (void)sig;
    int saved = errno;
    __atomic_fetch_add(&signals, 1, __ATOMIC_RELAXED);
    if (raw0(SYS_getpid) != syscall(SYS_getpid)) bad = 1;
    if (raw1(SYS_close, -1) != -EBADF) bad = 2;
    // A handler may change all of these; the return brings them back.
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\tpcmpeqd %%xmm15, %%xmm15\n\txor %%r12d, %%r12d" ::: "xmm0", "xmm15", "r12");
    errno = saved;
}

// One turn in assembly: patterns in the red zone, rbx, r12-r15, xmm0-15; four calls at two sites; all is compared.
// rdi: the seed. Gives 0, or which comparison failed.
long storm_turn(long seed);
__asm__(".text\n"
        "storm_turn:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  mov %rdi, %rbx\n"
        "  lea 1(%rbx), %rbp\n"
        "  lea 2(%rbx), %r12\n"
        "  lea 3(%rbx), %r13\n"
        "  lea 4(%rbx), %r14\n"
        "  lea 5(%rbx), %r15\n"
        "  .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  lea 100+\\i(%rbx), %rax\n"
        "  movq %rax, %xmm\\i\n"
        "  mov %rax, -128+8*\\i(%rsp)\n"
        "  .endr\n"
        "  .rept 2\n"
        "  mov $110, %eax\n"
        "  syscall\n"
        "  mov $600, %eax\n"
        "  nop\n"
        "  syscall\n"
        "  cmp $-38, %rax\n"
        "  mov $1, %eax\n"
        "  jne 9f\n"
        "  .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  lea 100+\\i(%rbx), %rdx\n"
        "  movq %xmm\\i, %rcx\n"
        "  mov $2, %eax\n"
        "  cmp %rcx, %rdx\n"
        "  jne 9f\n"
        "  mov $3, %eax\n"
        "  cmp -128+8*\\i(%rsp), %rdx\n"
        "  jne 9f\n"
        "  .endr\n"
        "  .endr\n"
        "  mov $4, %eax\n"
        "  lea 1(%rbx), %rdx; cmp %rdx, %rbp; jne 9f\n"
        "  lea 2(%rbx), %rdx; cmp %rdx, %r12; jne 9f\n"
        "  lea 3(%rbx), %rdx; cmp %rdx, %r13; jne 9f\n"
        "  lea 4(%rbx), %rdx; cmp %rdx, %r14; jne 9f\n"
        "  lea 5(%rbx), %rdx; cmp %rdx, %r15; jne 9f\n"
        "  cmp %rdi, %rbx; jne 9f\n"
        "  xor %eax, %eax\n"
        "9: pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n");

static void *body(void *argument) {
    long number = (long)argument;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
    event._sigev_un._tid = raw0(SYS_gettid);
    timer_t timer;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    struct itimerspec every = {{0, 100000}, {0, 100000}};
    CHECK_EQ(timer_settime(timer, 0, &every, NULL), 0);
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    pid_t me = raw0(SYS_gettid);
    for (long i = 0; i < TURNS; i++) {
        long in = i * 7 + number, out = 0;
        CHECK_EQ(raw3(SYS_write, fds[1], &in, 8), 8);
        CHECK_EQ(rawreg(SYS_read, fds[0], (long)&out, 8, 0, 0, 0), 8);
        CHECK_EQ(out, in);
        CHECK_EQ(write(fds[1], &in, 8), 8);
        CHECK_EQ(read(fds[0], &out, 8), 8);
        CHECK_EQ(syscall(SYS_gettid), me);
        CHECK_EQ(raw0(SYS_gettid), me);
        CHECK_EQ(storm_turn(i + number * 1000000), 0);
    }
    CHECK_EQ(timer_delete(timer), 0);
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    CHECK_EQ(sigaction(SIGRTMIN, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval every = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) threads[i] = start_thread(body, (void *)i, 0);
    for (int i = 0; i < 4; i++) join_thread(threads[i]);
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK(signals > 100);
    CHECK_EQ(bad, 0);
    PASS();
}
