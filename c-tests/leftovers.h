// For tests that do a thing 100,000 times: how often in which mode, that memory stays flat,
// and that calls are still served right afterwards.
#ifndef LEFTOVERS_H
#define LEFTOVERS_H
#include "registers.h"

// 100,000 in one run of the five or more (the rewriting one), a tenth in the others.
// Programs whose rounds are dear divide it.
static MAYBE_UNUSED long all_rounds(void) {
    const char *chosen = getenv("C_TESTS_ROUNDS"), *mode = getenv("C_TESTS_MODE");
    if (chosen) return atol(chosen);
    return !mode || (!strcmp(mode, "rewrite") && getuid() != 65534) ? 100000 : 10000;
}

struct memory {
    long size, resident, mappings;
};

// Reads a file of /proc without the heap.
static MAYBE_UNUSED struct memory memory_now(void) {
    static char text[65536];
    struct memory now = {0, 0, 0};
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    CHECK(n > 0);
    CHECK_EQ(close(fd), 0);
    text[n] = 0;
    static const char *const names[] = {"\nVmSize:", "\nVmRSS:"};
    long *const values[] = {&now.size, &now.resident};
    for (int i = 0; i < 2; i++) {
        char *at = strstr(text, names[i]);
        CHECK(at != NULL);
        *values[i] = strtol(at + strlen(names[i]), NULL, 10);
    }
    fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    while ((n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++) now.mappings += text[i] == '\n';
    CHECK_EQ(close(fd), 0);
    return now;
}

// A call at a site that is warm, one whose number comes in a register, one that nobody has seen.
static MAYBE_UNUSED void check_that_calls_work(void) {
    static unsigned char *page, *next;
    long pid = getpid(), parent = getppid();
    set_patterns((uint64_t)pid + (uint64_t)(next - page));
    call_immediate();
    CHECK_EQ(regs_out[RAX], parent);
    check_registers(call_immediate_after, __LINE__);
    regs_in[RAX] = 600;
    call_register();
    CHECK_EQ(regs_out[RAX], -ENOSYS);
    check_registers(call_register_after, __LINE__);
    if (!page || next - page > PAGE - 64) {
        if (page) CHECK_EQ(munmap(page, PAGE), 0);
        static unsigned char code[PAGE];
        for (int i = 0; i < PAGE - 16; i += 32) emit_call(code + i, SYS_getpid);
        page = next = (unsigned char *)make_code(code, PAGE, PROT_READ | PROT_EXEC);
    }
    CHECK_EQ(((call_fn)next)(0, 0, 0), pid);
    next += 32;
}

// Called in every round: looks at memory after 1,000 rounds (or a tenth) and after the last, and
// makes calls now and then.
static MAYBE_UNUSED void round_is_over(long round, long rounds) {
    static struct memory before;
    long first = rounds >= 10000 ? 1000 : rounds / 10;
    if (round % 64 == 0 || round == rounds - 1) check_that_calls_work();
    if (round == first) before = memory_now();
    if (round == rounds - 1) {
        struct memory after = memory_now();
        CHECK(after.size <= before.size + 512);
        CHECK(after.resident <= before.resident + 1024);
        CHECK(after.mappings <= before.mappings + 8);
    }
}
#endif
