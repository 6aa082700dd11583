// modes: native trap rewrite fallback stat
// A thread uses GS for the first time while others execute rewritten sites of every kind, block in
// them and make threads: no call of theirs is lost or wrong, and all sites have their bytes back.
#include "gs.h"
#include "threads.h"

enum { CALLERS = 3, SITES = 4, PROCESSES = 25 };
static unsigned char *sites[SITES];
static _Atomic int ready, stop;
static int pipe_fds[2];

static void *caller(void *number) {
    pid_t pid = getpid();
    struct regs in, out;
    uint64_t seed = (uint64_t)number;
    for (int round = 0; !atomic_load(&stop) || round < 50; round++) {
        for (int i = 0; i < SITES; i++) {
            pattern_regs(&in, seed++);
            call_with(sites[i], &in, &out);
            CHECK_EQ(out.rax, pid);
            check_regs(&in, &out, sites[i] + 7);
        }
        CHECK_EQ(rawreg(SYS_getpid, 0, 0, 0, 0, 0, 0), pid);
        CHECK_EQ(syscall(SYS_getpid), pid);
        if (round == 20) atomic_fetch_add(&ready, 1);
    }
    return NULL;
}

static void *reader(void *unused) {
    char byte;
    (void)unused;
    atomic_fetch_add(&ready, 1);
    CHECK_EQ(raw3(SYS_read, pipe_fds[0], &byte, 1), 1);
    CHECK_EQ(gs_base(), 0);
    return NULL;
}

static void *nothing(void *unused) {
    CHECK_EQ(raw0(SYS_getpid), getpid());
    return unused;
}

static void *maker(void *unused) {
    (void)unused;
    atomic_fetch_add(&ready, 1);
    for (int i = 0; !atomic_load(&stop) || i < 10; i++) join_thread(start_thread(nothing, NULL, 0));
    return NULL;
}

static void process(void) {
    pthread_t threads[CALLERS + 2];
    CHECK_EQ(pipe(pipe_fds), 0);
    for (long i = 0; i < CALLERS; i++) threads[i] = start_thread(caller, (void *)i, 0);
    threads[CALLERS] = start_thread(reader, NULL, 0);
    threads[CALLERS + 1] = start_thread(maker, NULL, 0);
    wait_for(&ready, CALLERS + 2);
    struct gs_block block;
    gs_set(&block, 0x1234);
    CHECK_GS(&block);
    for (int i = 0; i < SITES; i++) CHECK(is_original(sites[i], SYS_getpid));
    for (int i = 0; i < 100; i++) CHECK_EQ(CALL(sites[i % SITES]), getpid());
    atomic_store(&stop, 1);
    CHECK_EQ(write(pipe_fds[1], "x", 1), 1);
    for (int i = 0; i < CALLERS + 2; i++) join_thread(threads[i]);
    for (int i = 0; i < SITES; i++) CHECK(is_original(sites[i], SYS_getpid));
    CHECK_GS(&block);
}

int main(void) {
    int taken = rewriting();
    unsigned char text[8192];
    fill_code(text, sizeof text);
    // In one cache line and across two.
    int offsets[SITES] = {512, 1024 + 61, 2048 + 58, 3072 + 62};
    for (int i = 0; i < SITES; i++) put_call(text, text + offsets[i], SYS_getpid);
    unsigned char *code = map_code(text, sizeof text, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    for (int i = 0; i < SITES; i++) {
        sites[i] = code + offsets[i];
        for (int n = 0; n < 3; n++) CHECK_EQ(CALL(sites[i]), getpid());
        CHECK_EQ(is_rewritten(sites[i]), taken);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        IN_CHILD(status, process());
        CHECK_EQ(status, 0);
    }
    PASS();
}
