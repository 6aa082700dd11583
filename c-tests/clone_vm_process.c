// Shows that processes which share all memory with their parent, but are neither its threads nor
// waited for as vfork's children are, run beside it and reach cold sites together with it.
#include "clone.h"

enum { PROCESSES = 3, SITES = 60, STACK = 65536 };

static unsigned char *text;
static struct spin_barrier barrier;
static _Atomic int failures;

static int walk(void *argument) {
    (void)argument;
    long me = raw0(SYS_getpid);
    struct regs in, out;
    for (int i = 0; i < SITES; i++) {
        barrier_wait(&barrier, PROCESSES + 1);
        for (int n = 0; n < 20; n++) {
            pattern_regs(&in, (uint64_t)(i + n));
            call_with(text + (size_t)i * 333, &in, &out);
            if ((long)out.rax != me || out.rbx != in.rbx || memcmp(in.xmm, out.xmm, sizeof in.xmm)) atomic_fetch_add(&failures, 1);
        }
    }
    return 11;
}

int main(void) {
    size_t size = (SITES * 333 / PAGE + 1) * PAGE;
    unsigned char *bytes = malloc(size);
    CHECK(bytes);
    for (int round = 0; round < 10; round++) {
        fill_code(bytes, size);
        for (int i = 0; i < SITES; i++) put_call(bytes, bytes + (size_t)i * 333, SYS_getpid);
        text = map_code(bytes, size, PROT_READ | PROT_EXEC, MAP_PRIVATE);
        long pid[PROCESSES];
        for (int p = 0; p < PROCESSES; p++) {
            unsigned char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(stack != MAP_FAILED);
            long flags = CLONE_VM | SIGCHLD | (p == 0 ? CLONE_FILES : p == 1 ? CLONE_FILES | CLONE_FS | CLONE_SIGHAND : 0);
            pid[p] = raw_clone(flags, stack + STACK, NULL, NULL, NULL, walk, NULL);
            CHECK(pid[p] > 0);
        }
        CHECK_EQ(walk(NULL), 11);
        for (int p = 0; p < PROCESSES; p++) {
            int status;
            CHECK_EQ(waitpid((pid_t)pid[p], &status, 0), pid[p]);
            CHECK(WIFEXITED(status));
            CHECK_EQ(WEXITSTATUS(status), 11);
        }
        CHECK_EQ(atomic_load(&failures), 0);
        CHECK_EQ(munmap(text, size), 0);
    }
    PASS();
}
