// A 32-bit program that the kernel refuses late (its interpreter is missing) disturbs no other thread, also in
// a process that ignores SIGSYS.
#include "image32.h"
#include "threads.h"

static volatile int done;

static void *calls(void *nothing) {
    while (!done) raw0(SYS_getppid);
    return nothing;
}

int main(void) {
    want_32_bit_images();
    struct tiny32 elf = saying32("", 0);
    elf.header.e_phnum = 2;
    elf.interp = (Elf32_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct tiny32, text), .p_filesz = 16};
    strcpy(elf.text, "/no/interpreter");
    write_file("program", &elf, sizeof elf, 0755);
    signal(SIGSYS, SIG_IGN);
    pthread_t threads[2];
    for (int n = 0; n < 2; n++) threads[n] = start_thread(calls, NULL, 0);
    char *argv[] = {"program", NULL};
    for (int turn = 0; turn < 2000; turn++) CHECK_ERR(execve("program", argv, environ), ENOENT);
    done = 1;
    for (int n = 0; n < 2; n++) join_thread(threads[n]);
    struct sigaction found;
    CHECK_EQ(sigaction(SIGSYS, NULL, &found), 0);
    CHECK(found.sa_handler == SIG_IGN);
    PASS();
}
