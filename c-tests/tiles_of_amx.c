// Shows that AMX tiles are as natively: permission is asked for and given, tiles and their configuration stay over calls
// of all kinds, a handler's frame holds them, and may change them; a stack that is too small for such a frame is refused.
// A CPU or kernel without AMX: skipped.
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XTILE_DATA 18

static struct __attribute__((packed)) {
    uint8_t palette, start_row, reserved[14];
    uint16_t colsb[16];
    uint8_t rows[16];
} config;
static uint8_t given[8][1024], found[8][1024];
static volatile int handled, in_frame, changes;

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

__attribute__((target("amx-tile"))) static void load(void) {
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
#define LOAD(n) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #n ::"r"(given[n]), "r"(64L) : "memory");
    EACH(LOAD)
}

__attribute__((target("amx-tile"))) static void store(void) {
#define STORE(n) __asm__ volatile("tilestored %%tmm" #n ", (%0,%1,1)" ::"r"(found[n]), "r"(64L) : "memory");
    EACH(STORE)
}

__attribute__((target("amx-tile"))) static void check(const char *where) {
    uint8_t now[64] = {0};
    __asm__ volatile("sttilecfg %0" : "=m"(now));
    memset(found, 0, sizeof found);
    store();
    printf("%s: configuration %s, tiles %s\n", where, memcmp(now, &config, 64) ? "CHANGED" : "kept",
           memcmp(given, found, sizeof given) ? "CHANGED" : "kept");
}

// The state in a frame: where the image has it (SDM volume 1, 13.4), and whether it holds tiles.
static uint8_t *tiles_of(const ucontext_t *uc) {
    uint8_t *image = (uint8_t *)uc->uc_mcontext.fpregs;
    uint32_t magic, a, b, c, d;
    memcpy(&magic, image + 464, 4);
    uint64_t features, in_use;
    memcpy(&features, image + 464 + 8, 8);
    memcpy(&in_use, image + 512, 8);
    if (magic != 0x46505853 || !(features >> XTILE_DATA & 1) || !(in_use >> XTILE_DATA & 1)) return NULL;
    __cpuid_count(0xd, XTILE_DATA, a, b, c, d);
    return image + b;
}

static void handler(int signal, siginfo_t *info, void *context) {
    uint8_t *tiles = tiles_of(context);
    handled++;
    in_frame += tiles && !memcmp(tiles, given, sizeof given);
    if (changes && tiles) {
        tiles[0] ^= 1;
        given[0][0] ^= 1;
    }
    // A handler starts without tiles, and its own calls find it so.
    syscall(SYS_getppid);
    (void)signal, (void)info;
}

static long own_call(long number) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
    return result;
}

static void calls(const char *who) {
    char where[64];
    load();
    for (int i = 0; i < 100; i++) own_call(SYS_getppid), syscall(SYS_getpid), syscall(SYS_gettid);
    syscall(500);
    snprintf(where, sizeof where, "%s, calls", who);
    check(where);
}

static void *in_thread(void *argument) {
    calls("thread");
    return argument;
}

// The least size that is taken, between the sizes of frames without tiles and with them.
static size_t least(void) {
    static char memory[16384];
    for (size_t size = 2000; size < sizeof memory; size++) {
        stack_t stack = {.ss_sp = memory, .ss_size = size};
        if (!sigaltstack(&stack, NULL)) return size;
        if (errno != ENOMEM) return 0;
    }
    return 1;
}

static void *waits(void *argument) {
    printf("in a thread, at first: least stack %zu\n", least());
    pthread_barrier_wait(argument);
    pthread_barrier_wait(argument);
    return argument;
}

int main(void) {
    uint64_t permitted = 0;
    uint32_t a, b, c, d;
    pthread_t thread;
    pthread_barrier_t barrier;
    __cpuid_count(0xd, XTILE_DATA, a, b, c, d);
    if (!a || syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &permitted)) {
        printf("skipped: no AMX\n");
        return 77;
    }
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, waits, &barrier);
    pthread_barrier_wait(&barrier);
    if (!syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILE_DATA)) printf("permitted beside a small stack\n");
    printf("beside a small stack: %s\n", strerror(errno));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    long result = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 63L);
    printf("no such state: %ld %s\n", result, strerror(errno));
    printf("request: %ld\n", syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILE_DATA));
    printf("asked again: %ld\n", syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILE_DATA));
    syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &permitted);
    printf("permitted: %d\n", (int)(permitted >> XTILE_DATA & 1));
    config.palette = 1;
    for (int i = 0; i < 8; i++) {
        config.colsb[i] = 64;
        config.rows[i] = 16;
        for (int j = 0; j < 1024; j++) given[i][j] = i * 37 + j * 11 + 1;
    }
    calls("main");

    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGSYS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    for (int round = 0; round < 3; round++) {
        changes = round == 2;
        handled = in_frame = 0;
        load();
        raise(SIGUSR1);
        check("raised");
        kill(getpid(), SIGSYS);
        check("SIGSYS");
        kill(getpid(), SIGILL);
        check("SIGILL");
        printf("handled %d, tiles in frames %d\n", handled, in_frame);
        if (round == 0) {
            // On a stack of its own, which is large enough.
            size_t size = 64 << 10;
            stack_t stack = {.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = size};
            printf("sigaltstack: %d\n", sigaltstack(&stack, NULL));
        }
    }

    printf("least stack: %zu\n", least());

    load();
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    check("beside a thread");
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        calls("child");
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    check("beside a child");
    printf("child: %d\n", status);
    return 0;
}
