// What a handler finds at its first instruction: registers, flags, stack and return address, the
// initial x87, SSE and AVX state; and in its frame: uc_*, segments, masks, the vector state with its
// software bytes. What it changes there is obeyed. In code, in calls, on the alternate stack.
#include "check.h"
#include <cpuid.h>
#include <ucontext.h>

enum { MXCSR = 0x1f80 ^ 0x6040, CONTROL = 0x27f };
struct first {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, flags, return_address, in_use;
    uint32_t mxcsr, pad, environment[8];
    uint64_t xmm[16][2];
} first;
_Static_assert(offsetof(struct first, in_use) == 144 && offsetof(struct first, mxcsr) == 152, "the assembly's offsets");
_Static_assert(offsetof(struct first, environment) == 160 && offsetof(struct first, xmm) == 192, "the assembly's offsets");

void asm_handler(int, siginfo_t *, void *);
void c_handler(int, siginfo_t *, void *);
void own_restorer(void);
int has_xgetbv1;
// Sends itself a signal with all registers and vectors set, rsp at a multiple of 64.
long send_patterned(long number, long pid, long sig);
extern char send_patterned_after[];
uint64_t ymm_high[4], xmm_after[16][2], saved_flags, saved_rsp;
uint32_t mxcsr_after;
uint16_t control_after;
double x87_after;
int has_avx;
__asm__(".text\n"
        "asm_handler:\n"
        "  mov %rax, first(%rip)\n"
        "  lea first(%rip), %rax\n"
        "  mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax); mov %rdi, 40(%rax)\n"
        "  mov %rbp, 48(%rax); mov %rsp, 56(%rax); mov %r8, 64(%rax); mov %r9, 72(%rax); mov %r10, 80(%rax)\n"
        "  mov %r11, 88(%rax); mov %r12, 96(%rax); mov %r13, 104(%rax); mov %r14, 112(%rax); mov %r15, 120(%rax)\n"
        "  mov (%rsp), %rbx\n"
        "  mov %rbx, 136(%rax)\n"
        "  pushfq\n"
        "  popq 128(%rax)\n"
        "  stmxcsr 152(%rax)\n"
        "  fnstenv 160(%rax)\n"
        "  fldenv 160(%rax)\n"
        "  .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  movups %xmm\\i, 192+16*\\i(%rax)\n"
        "  .endr\n"
        "  cmpl $0, has_xgetbv1(%rip)\n"
        "  je 1f\n"
        "  push %rdx\n"
        "  push %rax\n"
        "  mov $1, %ecx\n"
        "  xgetbv\n"
        "  shl $32, %rdx\n"
        "  or %rax, %rdx\n"
        "  pop %rax\n"
        "  mov %rdx, 144(%rax)\n"
        "  pop %rdx\n"
        "1: jmp c_handler\n"
        "own_restorer:\n"
        "  mov $15, %rax\n"
        "  syscall\n"
        ".type send_patterned,@function\n"
        "send_patterned:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  mov %rdi, %rax\n"
        "  mov %rsp, saved_rsp(%rip)\n"
        "  and $-64, %rsp\n"
        "  mov %rsi, %rdi\n"      // tgkill(pid, pid, sig)
        "  .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  lea 0x100+\\i, %rbx\n"
        "  movq %rbx, %xmm\\i\n"
        "  punpcklqdq %xmm\\i, %xmm\\i\n"
        "  .endr\n"
        "  cmpl $0, has_avx(%rip)\n"
        "  je 1f\n"
        "  vbroadcastsd ymm_high(%rip), %ymm3\n"
        "1: fld1\n"
        "  mov $0x1111, %ebx; mov $0x2222, %ebp; mov $0x3333, %r12d; mov $0x4444, %r13d; mov $0x5555, %r14d\n"
        "  mov $0x6666, %r15d; mov $0x7777, %r8d; mov $0x8888, %r9d; mov $0x9999, %r10d; mov $0xaaaa, %r11d\n"
        "  std\n"
        "  stc\n"
        "  syscall\n"
        "send_patterned_after:\n"
        "  pushfq\n"
        "  popq saved_flags(%rip)\n"
        "  cld\n"
        "  mov saved_rsp(%rip), %rsp\n"
        "  .irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "  movups %xmm\\i, xmm_after+16*\\i(%rip)\n"
        "  .endr\n"
        "  cmpl $0, has_avx(%rip)\n"
        "  je 1f\n"
        "  vmovups %ymm3, ymm_high(%rip)\n"
        "  vzeroupper\n"
        "1: stmxcsr mxcsr_after(%rip)\n"
        "  fnstcw control_after(%rip)\n"
        "  fstpl x87_after(%rip)\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n"
        ".size send_patterned, .-send_patterned\n");

static volatile int edit;
static volatile int taken, where;
static char altstack[65536] __attribute__((aligned(64)));
static struct {
    uint64_t uc_flags, uc_link, mask, oldmask, csgsfs, eflags, rip_at, rsp_offset, xmm0, xfeatures, xstate_bv, fault[3];
    uint32_t mxcsr, magic1, magic2, extended_size, xstate_size;
    uint16_t control, tags;
    int stack_flags;
} frame;

// rdi, rsi, rdx as the handler's; called by a jump, so that its frame is the handler's.
void c_handler(int sig, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    struct _libc_fpstate *f = c->uc_mcontext.fpregs;
    greg_t *r = c->uc_mcontext.gregs;
    taken++;
    CHECK_EQ(sig, info->si_signo);
    CHECK_EQ((uintptr_t)f % 64, 0);
    frame.uc_flags = c->uc_flags;
    frame.uc_link = (uintptr_t)c->uc_link;
    memcpy(&frame.mask, &c->uc_sigmask, 8);
    frame.oldmask = (uint64_t)r[REG_OLDMASK];
    frame.csgsfs = (uint64_t)r[REG_CSGSFS];
    frame.eflags = (uint64_t)r[REG_EFL];
    frame.rip_at = (uint64_t)r[REG_RIP] - (uintptr_t)send_patterned_after;
    frame.xmm0 = f->_xmm[0].element[0] | (uint64_t)f->_xmm[0].element[1] << 32;
    frame.mxcsr = f->mxcsr;
    frame.control = f->cwd;
    frame.tags = f->ftw;
    const uint32_t *words = (const uint32_t *)((char *)f + 464); // struct _fpx_sw_bytes
    frame.magic1 = words[0], frame.extended_size = words[1], frame.xstate_size = words[4];
    memcpy(&frame.xfeatures, words + 2, 8);
    if (frame.magic1 == 0x46505853) {
        memcpy(&frame.magic2, (char *)f + frame.extended_size - 4, 4);
        memcpy(&frame.xstate_bv, (char *)f + 512, 8);
    }
    frame.fault[0] = (uint64_t)r[REG_TRAPNO], frame.fault[1] = (uint64_t)r[REG_ERR], frame.fault[2] = (uint64_t)r[REG_CR2];
    frame.stack_flags = c->uc_stack.ss_flags;
    // The frame begins with the return address; info and context lie behind it.
    CHECK_EQ(first.rsp, (uintptr_t)context - 8);
    CHECK_EQ(first.rsi, (uintptr_t)info);
    CHECK_EQ(first.rdx, (uintptr_t)context);
    frame.rsp_offset = where ? (uintptr_t)altstack + sizeof altstack - first.rsp : (uint64_t)r[REG_RSP] - first.rsp;
    if (edit) {
        f->_xmm[5].element[0] = 0xabcdef;
        f->mxcsr = MXCSR;
        f->cwd = CONTROL;
        if (has_avx && frame.xstate_bv & 4) *(uint64_t *)((char *)f + 512 + 64 + 3 * 16) = 0x4242;
        r[REG_EFL] = (r[REG_EFL] & ~1) | 0x800; // carry away, overflow
        r[REG_RAX] = 31;
    }
}

static void show(const char *what) {
    printf("%s: rax %lx rdi %ld flags %lx, rsp %% 16 %ld, mxcsr %x, x87 control %x status %x tags %x\n", what, first.rax,
           first.rdi, first.flags, first.rsp % 16, first.mxcsr, first.environment[0] & 0xffff, first.environment[1] & 0xffff,
           first.environment[2] & 0xffff);
    printf("  %lx %lx %lx %lx %lx %lx %lx %lx %lx, in use %lx\n", first.rbx, first.rbp, first.r8, first.r9, first.r10,
           first.r12, first.r13, first.r14, first.r15, first.in_use & ~3ul);
    for (int i = 0; i < 16; i++) CHECK_EQ(first.xmm[i][0] | first.xmm[i][1], 0);
    printf("  frame: uc_flags %lx uc_link %lx mask %lx oldmask %lx segments %lx eflags %lx rip %+ld, at %ld, stack %x\n",
           frame.uc_flags, frame.uc_link, frame.mask, frame.oldmask, frame.csgsfs, frame.eflags, (long)frame.rip_at,
           frame.rsp_offset, (unsigned)frame.stack_flags);
    printf("  vectors: xmm0 %lx mxcsr %x control %x tags %x magic %x %x size %u %u features %lx bv %lx\n", frame.xmm0, frame.mxcsr,
           frame.control, frame.tags, frame.magic1, frame.magic2, frame.extended_size, frame.xstate_size, frame.xfeatures, frame.xstate_bv & 7);
    printf("  after: flags %lx mxcsr %x control %x x87 %g xmm0 %lx xmm5 %lx %lx ymm3 %lx %lx %lx\n", saved_flags, mxcsr_after, control_after,
           x87_after, xmm_after[0][0], xmm_after[5][0], xmm_after[5][1], ymm_high[0], ymm_high[2], ymm_high[3]);
}

static void set_handler(int sig, unsigned flags, void (*restorer)(void)) {
    struct { void *handler; unsigned long flags; void (*restorer)(void); uint64_t mask; } action = {asm_handler, SA_SIGINFO | flags, restorer, 0};
    CHECK_EQ(raw4(SYS_rt_sigaction, sig, &action, NULL, 8), 0);
}

int main(void) {
    unsigned a, b, c, d;
    int status;
    if (__get_cpuid_count(13, 1, &a, &b, &c, &d)) has_xgetbv1 = a >> 2 & 1;
    has_avx = __builtin_cpu_supports("avx") != 0;
    uint64_t mask = 0, pid = (uint64_t)getpid();
    stack_t stack = {.ss_sp = altstack, .ss_size = sizeof altstack};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
    enum { RESTORER = 0x04000000 };
    for (int turn = 0; turn < 20; turn++)
        for (where = 0; where < 2; where++)
            for (edit = 0; edit < 2; edit++) {
                mask = turn % 4 >= 2 ? 1ull << (SIGUSR2 - 1) | 1ull << (SIGSYS - 1) : 1ull << (SIGUSR2 - 1);
                CHECK_EQ(raw4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0);
                set_handler(SIGUSR1, RESTORER | (where ? SA_ONSTACK : 0), own_restorer);
                ymm_high[0] = 0x7777888899990000;
                int before = taken;
                long result = send_patterned(SYS_tgkill, (long)pid, SIGUSR1);
                CHECK_EQ(taken, before + 1);
                CHECK_EQ(result, edit ? 31 : 0);
                CHECK_EQ(first.return_address, (uintptr_t)own_restorer);
                show(where ? "alternate" : "ordinary");
                uint32_t usual = 0x1f80;
                __asm__ volatile("fninit\n\tldmxcsr %0" ::"m"(usual));
            }
    edit = 0;
    where = 1;
    // A fault: what it was.
    char *unreadable = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    IN_CHILD(status, {
        set_handler(SIGSEGV, RESTORER | SA_ONSTACK, (void (*)(void))(uintptr_t)abort);
        (void)unreadable;
        *(volatile char *)unreadable = 1;
    });
    printf("aborted: %d\n", WTERMSIG(status));
    // Without SA_RESTORER the kernel starts no handler.
    IN_CHILD(status, {
        set_handler(SIGUSR1, 0, own_restorer);
        send_patterned(SYS_tgkill, getpid(), SIGUSR1);
        _exit(1);
    });
    printf("no restorer: %x\n", (unsigned)status & 0x7f);
    PASS();
}
