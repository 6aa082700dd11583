// A handler that needs nothing itself works on alternate stacks of exactly the sizes on which it
// works natively, AT_MINSIGSTKSZ and the least that the kernel takes among them; the bytes that its
// frame touches, there and below rsp, begin and end where the kernel's do.
#include "check.h"

enum { SPACE = 8 * PAGE, PATTERN = 0xa7 };
static char *memory;
static volatile int *ran;
extern char handler[];
void send_here(long pid, long tid, long sig, void *rsp);
void *handler_word;
__asm__(".text\n"
        "handler:\n" // edi: the signal; the stack is not touched
        "  mov handler_word(%rip), %rax\n"
        "  incl (%rax)\n"
        "  ret\n"
        ".type send_here,@function\n"
        "send_here:\n"
        "  push %rbx\n"
        "  mov %rsp, %rbx\n"
        "  mov %rcx, %rsp\n"
        "  mov $234, %eax\n"
        "  syscall\n"
        "  mov %rbx, %rsp\n"
        "  pop %rbx\n"
        "  ret\n"
        ".size send_here, .-send_here\n");

static void paint(void) { memset(memory, PATTERN, SPACE); }
static void print_touched(const char *what, long from) {
    long low = 0, high = SPACE;
    while (low < SPACE && (unsigned char)memory[low] == PATTERN) low++;
    while (high > low && (unsigned char)memory[high - 1] == PATTERN) high--;
    printf("%s: from %ld to %ld\n", what, low - from, high - from);
}

static void set_stack(long at, long size) {
    stack_t stack = {.ss_sp = memory + at, .ss_size = (size_t)size};
    CHECK_EQ(raw2(SYS_sigaltstack, &stack, NULL), 0);
}

int main(void) {
    memory = mmap(NULL, SPACE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    ran = handler_word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ran != MAP_FAILED);
    struct sigaction action = {.sa_flags = SA_ONSTACK};
    action.sa_handler = (void (*)(int))(uintptr_t)handler;
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    action.sa_flags = 0;
    CHECK_EQ(sigaction(SIGUSR2, &action, NULL), 0);
    static char ordinary[4 * PAGE];
    char *rsp = ordinary + 2 * PAGE;
    long pid, exact = (long)getauxval(AT_MINSIGSTKSZ);
    printf("AT_MINSIGSTKSZ %ld\n", exact);
    CHECK_EQ(raw2(SYS_sigaltstack, (&(stack_t){.ss_sp = memory, .ss_size = 2047}), NULL), -ENOMEM);

    // Which sizes do, for stacks that begin at odd places too.
    for (int shift = 0; shift < 64; shift += 24) {
        long least = 0;
        for (long size = 2048; size < exact + 256; size = size == 2048 ? exact - 600 : size + 24) {
            int status;
            *ran = 0;
            paint();
            IN_CHILD(status, {
                pid = raw0(SYS_getpid);
                set_stack(PAGE + shift, size);
                send_here(pid, pid, SIGUSR1, rsp);
            });
            CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV && !*ran : status == 0 && *ran == 1);
            if (!WIFSIGNALED(status) && !least) least = size;
            if (size == 2048 || size >= exact) printf("size %ld at %d: status %d\n", size, shift, status);
            // Nothing beyond it was written to, whether it went well or not.
            for (long i = 0; i < PAGE + shift; i++) CHECK_EQ((unsigned char)memory[i], PATTERN);
            for (long i = PAGE + shift + size; i < SPACE; i++) CHECK_EQ((unsigned char)memory[i], PATTERN);
        }
        printf("at %d the least is %ld\n", shift, least);
    }

    pid = getpid();
    for (int turn = 0; turn < 3; turn++) {
        paint();
        *ran = 0;
        set_stack(PAGE, 4 * PAGE);
        send_here(pid, pid, SIGUSR1, rsp);
        CHECK_EQ(*ran, 1);
        print_touched("alternate stack, from its end", 5 * PAGE);
        for (int below = 0; below < 64; below += 8) {
            paint();
            send_here(pid, pid, SIGUSR2, memory + 4 * PAGE - below);
            print_touched("below rsp", 4 * PAGE - below);
        }
        CHECK_EQ(*ran, 9);
    }
    PASS();
}
