// static: yes
// A refused exec leaves descriptors, mappings, the signal mask and pending signals as they were, also
// when a vfork child asks, which shares our memory; and 10,000 of them leave no more than one.
#include "exec.h"

static char huge[33 * PAGE];

// One of each kind of refusal, early and late in the kernel's checks.
static void refusals(void) {
    char *argv[] = {"x", NULL}, *too_big[] = {huge, NULL}, *bad[] = {(char *)1, NULL};
    EXEC_FAILS("missing", ENOENT);
    EXEC_FAILS("plain", EACCES);
    EXEC_FAILS("text", ENOEXEC);
    EXEC_FAILS("lost", ENOENT);
    EXEC_FAILS("orphan", ENOENT);
    EXEC_FAILS("bad-interpreter", ELIBBAD);
    EXEC_FAILS("script-of-orphan", ENOENT);
    EXEC_FAILS("deep-6", ELOOP);
    CHECK_EQ(errno_in_vfork("program", too_big, environ), E2BIG);
    CHECK_ERR(execve("program", too_big, environ), E2BIG);
    CHECK_EQ(errno_in_vfork("program", argv, bad), EFAULT);
    CHECK_ERR(execve("program", argv, bad), EFAULT);
}

int main(void) {
    memset(huge, 'x', sizeof huge - 1);
    struct tiny elf = tiny_elf(NULL);
    write_file("program", &elf, sizeof elf, 0755);
    write_file("plain", &elf, sizeof elf, 0644);
    memset(elf.code, 0x90, sizeof elf.code);
    write_text("text", "text", 0755);
    write_text("long-text", "this is longer than the header of an ELF file, which has only 64 bytes", 0755);
    write_text("lost", "#!/no/such/interpreter\n", 0755);
    elf = tiny_elf("/no/such/ld.so");
    write_file("orphan", &elf, sizeof elf, 0755);
    elf = tiny_elf("long-text");
    write_file("bad-interpreter", &elf, sizeof elf, 0755);
    write_text("script-of-orphan", "#!orphan\n", 0755);
    write_text("deep-0", "#!program\n", 0755);
    for (int i = 1; i < 7; i++) {
        char name[20], text[40];
        sprintf(name, "deep-%d", i);
        sprintf(text, "#!deep-%d with an argument\n", i - 1);
        write_text(name, text, 0755);
    }

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 3);
    CHECK_EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
    CHECK_EQ(raise(SIGUSR1), 0);
    static struct traces before;
    refusals(); // once, so that what is made at first use is there
    take_traces(&before);
    take_traces(&before);
    refusals();
    CHECK_NO_TRACES(&before);
    char *argv[] = {"x", NULL};
    static const char *const paths[] = {"missing", "text", "orphan", "bad-interpreter", "script-of-orphan"};
    for (int i = 0; i < 10000; i++) CHECK_EQ(execve(paths[i % 5], argv, environ), -1);
    CHECK_NO_TRACES(&before);
    for (int i = 0; i < 1000; i++) CHECK(errno_in_vfork(paths[i % 5], argv, environ) > 0);
    CHECK_NO_TRACES(&before);
    PASS();
}
