// Whenever a signal comes, the handler sees rip in the code of the program or of its
// libraries as natively, rsp in the thread's own stack, callee-saved patterns, its mask.
#include "threads.h"
#include <link.h>
#include <sys/time.h>
#include <ucontext.h>

static struct { uintptr_t low, high; } code[64];
static int codes;
static uintptr_t stack_low, stack_high;
static volatile sig_atomic_t taken, at_site;
static volatile uintptr_t bad_rip, bad_rsp, bad_mask, bad_rbx, bad_code;
static sigset_t mask_then;

static int collect(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    if (strstr(info->dlpi_name, "usertrap")) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) && codes < 64) {
            code[codes].low = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code[codes].high = code[codes].low + info->dlpi_phdr[i].p_memsz;
            codes++;
        }
    return 0;
}

static void look(int sig, siginfo_t *info, void *context) {
    (void)sig;
    ucontext_t *c = context;
    uintptr_t rip = c->uc_mcontext.gregs[REG_RIP], rsp = c->uc_mcontext.gregs[REG_RSP];
    int found = 0;
    for (int i = 0; i < codes; i++) found |= rip >= code[i].low && rip < code[i].high;
    if (!found) bad_rip = rip;
    if (rsp < stack_low || rsp > stack_high) bad_rsp = rsp;
    if (memcmp(&c->uc_sigmask, &mask_then, 8)) bad_mask = 1;
    // While the loop is in its assembly, rbx and r12 hold the pattern.
    extern char loop_begin[], loop_end[];
    if (rip >= (uintptr_t)loop_begin && rip < (uintptr_t)loop_end) {
        at_site++;
        if (c->uc_mcontext.gregs[REG_RBX] != 0x1122334455667788 || c->uc_mcontext.gregs[REG_R12] != 0x2233445566778899)
            bad_rbx = 1;
    }
    if (info->si_code != SI_KERNEL && info->si_code != SI_USER && info->si_code != SI_TKILL) bad_code = 1;
    taken++;
}

// A loop of two sites, a hundred times.
void loop(void);
__asm__(".text\n"
        "loop:\n"
        "  push %rbx; push %r12; push %r13\n"
        "  movabs $0x1122334455667788, %rbx\n"
        "  movabs $0x2233445566778899, %r12\n"
        "  mov $100, %r13d\n"
        "loop_begin:\n"
        "1: mov $110, %eax\n"
        "  syscall\n"
        "  mov $39, %r8d\n"
        "  mov %r8d, %eax\n"
        "  syscall\n"
        "  dec %r13\n"
        "  jnz 1b\n"
        "loop_end:\n"
        "  pop %r13; pop %r12; pop %rbx\n"
        "  ret\n");

int main(void) {
    dl_iterate_phdr(collect, NULL);
    pthread_attr_t attributes;
    void *low;
    size_t size;
    CHECK_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
    CHECK_EQ(pthread_attr_getstack(&attributes, &low, &size), 0);
    stack_low = (uintptr_t)low, stack_high = stack_low + size;
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask_then), 0);
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    // Sent by the thread itself: right behind the site.
    for (int i = 0; i < 100; i++) CHECK_EQ(raw3(SYS_tgkill, getpid(), getpid(), SIGUSR1), 0);
    CHECK_EQ(taken, 100);
    struct itimerval every = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
    while (taken < 10000) {
        loop();
        for (int i = 0; i < 20; i++) syscall(SYS_getppid), getppid();
    }
    CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
    CHECK_EQ(bad_rip, 0);
    CHECK_EQ(bad_rsp, 0);
    CHECK_EQ(bad_mask, 0);
    CHECK_EQ(bad_rbx, 0);
    CHECK_EQ(bad_code, 0);
    CHECK(at_site > 0);
    PASS();
}
