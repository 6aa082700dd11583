// The SIGSYS of a filter of the application's own shows the call at its site: address, number,
// architecture and the filter's data, and every register as it was, with the number in rax. What the
// handler puts into the context counts: a result, other registers, another call in its place.
#include "code.h"
#include "own_filter.h"
#include <pthread.h>

enum { SITES = 6 };
// Numbers that pass, that are looked at afterwards, and that are served: and of one site each.
static const int trapped_numbers[] = {SYS_setfsuid, SYS_getppid, SYS_openat, SYS_getdents64, SYS_sigaltstack, SYS_clone};

struct seen {
    siginfo_t info;
    greg_t registers[NGREG];
    int count;
};
static __thread struct seen seen;
static volatile greg_t result = 4711;
static volatile int reissue, trapped_count = SITES;

static void on_trap(int sig, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    CHECK_EQ(sig, SIGSYS);
    seen.info = *info;
    memcpy(seen.registers, registers, sizeof seen.registers);
    seen.count++;
    if (reissue) {
        registers[REG_RIP] -= 2;
        registers[REG_RAX] = reissue;
    } else {
        registers[REG_RAX] = result;
    }
}

static unsigned char *text;

static void one(const unsigned char *site, int number) {
    struct regs given, left;
    uint64_t *in = (uint64_t *)&given, *out = (uint64_t *)&left;
    pattern_regs(&given, (unsigned)number);
    int before = seen.count;
    call_with(site, &given, &left);
    CHECK_EQ(seen.count, before + 1);
    CHECK_EQ(seen.info.si_signo, SIGSYS);
    CHECK_EQ(seen.info.si_code, 1 /* SYS_SECCOMP */);
    CHECK_EQ(seen.info.si_errno, 200 + number);
    CHECK_EQ(seen.info.si_syscall, number);
    CHECK_EQ(seen.info.si_arch, AUDIT_ARCH_X86_64);
    CHECK_EQ((intptr_t)seen.info.si_call_addr, (intptr_t)(site + 7));
    static const int order[15] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_R8,
                                  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    in[0] = (unsigned)number;
    in[2] = (uint64_t)(site + 7);
    in[10] = (uint64_t)seen.registers[REG_EFL];
    CHECK_EQ(in[10] & 0x8d5, given.rflags & 0x8d5);
    CHECK_EQ(seen.registers[REG_RIP], (greg_t)(site + 7));
    for (int i = 0; i < 15; i++) CHECK_EQ(seen.registers[order[i]], (greg_t)in[i]);
    in[0] = (uint64_t)result;
    for (int i = 0; i < 15; i++) CHECK_EQ(out[i], in[i]);
    CHECK_EQ(memcmp(given.xmm, left.xmm, sizeof given.xmm), 0);
}

static void *all(void *arg) {
    for (int turn = 0; turn < 5; turn++)
        for (int i = 0; i < trapped_count; i++) one(text + i * 64, trapped_numbers[i]);
    // A large number in rax, from code that has it in a register.
    int before = seen.count;
    CHECK_EQ(rawreg(0x1234567800000000 | SYS_setfsuid, 1, 2, 3, 4, 5, 6), result);
    CHECK_EQ(seen.count, before + 1);
    CHECK_EQ(seen.registers[REG_RAX], 0x1234567800000000 | SYS_setfsuid);
    CHECK_EQ(seen.info.si_syscall, SYS_setfsuid);
    return arg;
}

int main(void) {
    unsigned char bytes[PAGE];
    fill_code(bytes, PAGE);
    for (int i = 0; i < SITES; i++) emit_call(bytes + i * 64, trapped_numbers[i]);
    text = map_code(bytes, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
    for (int i = 0; i < 5; i++) CALL(text + 64); // one is rewritten before
    for (int i = 0; i < SITES; i++)
        if (trapped_numbers[i] != SYS_clone) decide(trapped_numbers[i], SECCOMP_RET_TRAP | (200 + (unsigned)trapped_numbers[i]));
    int status;
    IN_CHILD(status, {
        decide(SYS_clone, SECCOMP_RET_TRAP | (200 + SYS_clone));
        all(NULL);
        reissue = SYS_getpid;
        CHECK_EQ(CALL(text), raw0(SYS_getpid));
        CHECK_EQ(CALL(text + 64), raw0(SYS_getpid));
        CHECK_EQ(CALL(text + 128), raw0(SYS_getpid));
        CHECK_EQ(CALL(text + 256), raw0(SYS_getpid));
        reissue = 0;
        all(NULL);
    });
    CHECK_EQ(status, 0);
    IN_CHILD(status, {
        trapped_count = SITES - 1; // threads may be made by clone
        for (int i = 0; i < 4; i++) {
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, all, NULL), 0);
            CHECK_EQ(pthread_join(thread, NULL), 0);
        }
    });
    CHECK_EQ(status, 0);
    PASS();
}
