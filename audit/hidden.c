// Calls that are well hidden: in the middle of instructions, over borders of instructions and pages, in data that becomes
// code, in memory that is mapped twice, in files that change, in code that moves. Each case is a process of its own.
// Prints a line for each; the audit sees whether a call was missed.
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXEC };
#define CHECK(what) do { if (!(what)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #what); fflush(stdout); _exit(1); } } while (0)

// syscall; ret
static const unsigned char CALL[] = {0x0f, 0x05, 0xc3};

// getppid by the `syscall` at `at`, behind which a `ret` stands.
static void call(const void *at) {
    long result = SYS_getppid;
    __asm__ volatile("sub $128, %%rsp\n\tcall *%1\n\tadd $128, %%rsp" : "+a"(result) : "r"(at) : "rcx", "r11", "memory");
    CHECK(result == getppid());
}

static unsigned char *map(int protection) {
    unsigned char *page = mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

// A page that holds a call.
static unsigned char *data(int protection) {
    unsigned char *page = map(protection);
    memcpy(page, CALL, sizeof CALL);
    return page;
}

// A file of two pages of no-ops, with these bytes at this place.
static int file(size_t at, const void *bytes, size_t length) {
    unsigned char text[2 * PAGE];
    int fd = open("hidden", O_RDWR | O_CREAT | O_EXCL, 0600);
    memset(text, 0x90, sizeof text);
    memcpy(text + at, bytes, length);
    CHECK(fd >= 0 && !unlink("hidden") && write(fd, text, sizeof text) == sizeof text);
    return fd;
}

static unsigned char *code(size_t at, const void *bytes, size_t length) {
    unsigned char *text = mmap(NULL, 2 * PAGE, RX, MAP_PRIVATE, file(at, bytes, length), 0);
    CHECK(text != MAP_FAILED);
    return text;
}

static void in_an_immediate(void) { call(code(100, "\xb8\x0f\x05\xc3\x90\xc3", 6) + 101); }
static void over_instructions(void) { call(code(100, "\xb0\x0f\x05\xc3\x90\x90\x90\xc3", 8) + 101); }
static void over_pages(void) { call(code(PAGE - 1, CALL, sizeof CALL) + PAGE - 1); }

static void over_mappings(void) {
    int fd = file(PAGE - 1, CALL, sizeof CALL);
    unsigned char *text = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mmap(text + PAGE, PAGE, RX, MAP_PRIVATE | MAP_FIXED, fd, PAGE) == text + PAGE);
    CHECK(mmap(text, PAGE, RX, MAP_PRIVATE | MAP_FIXED, fd, 0) == text);
    call(text + PAGE - 1);
}

static void in_data(void) {
    unsigned char *page = data(RW);
    CHECK(!mprotect(page, PAGE, RX));
    call(page);
}

static void in_data_by_a_key(void) {
    unsigned char *page = data(RW);
    CHECK(!syscall(SYS_pkey_mprotect, page, PAGE, RX, -1));
    call(page);
}

static void written_while_executable(void) { call(data(RW | PROT_EXEC)); }

static void in_pages_of_zeros(void) {
    unsigned char *page = map(RX);
    CHECK(!mprotect(page, PAGE, RW));
    memcpy(page, CALL, sizeof CALL);
    CHECK(!mprotect(page, PAGE, RX));
    call(page);
}

static void only_executable(void) {
    unsigned char *page = data(RW);
    CHECK(!mprotect(page, PAGE, PROT_EXEC));
    call(page);
}

static void mapped_twice(int flags) {
    int fd = memfd_create("hidden", 0);
    CHECK(fd >= 0 && !ftruncate(fd, PAGE));
    unsigned char *data = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), *text = mmap(NULL, PAGE, RX, flags, fd, 0);
    CHECK(data != MAP_FAILED && text != MAP_FAILED);
    memcpy(data, CALL, sizeof CALL);
    if (!memcmp(text, CALL, sizeof CALL)) call(text);
}

static void mapped_twice_shared(void) { mapped_twice(MAP_SHARED); }
static void mapped_twice_private(void) { mapped_twice(MAP_PRIVATE); }

static void in_a_file_that_changes(void) {
    int fd = file(0, "\xc3", 1);
    unsigned char *text = mmap(NULL, 2 * PAGE, RX, MAP_PRIVATE, fd, 0);
    CHECK(text != MAP_FAILED && pwrite(fd, CALL, sizeof CALL, 100) == sizeof CALL);
    if (!memcmp(text + 100, CALL, sizeof CALL)) call(text + 100);
    CHECK(!madvise(text, PAGE, MADV_DONTNEED));
    call(text + 100);
}

static void in_a_file_that_grows(void) {
    int fd = file(0, "\xc3", 1);
    unsigned char *text = mmap(NULL, 4 * PAGE, RX, MAP_PRIVATE, fd, 0);
    CHECK(text != MAP_FAILED && pwrite(fd, CALL, sizeof CALL, 3 * PAGE) == sizeof CALL);
    call(text + 3 * PAGE);
}

static void in_system_v_memory(void) {
    int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
    unsigned char *data = shmat(id, NULL, 0), *text = shmat(id, NULL, SHM_EXEC | SHM_RDONLY);
    CHECK(id >= 0 && data != (void *)-1 && text != (void *)-1 && !shmctl(id, IPC_RMID, NULL));
    memcpy(data, CALL, sizeof CALL);
    call(text);
}

static void where_reading_is_executing(void) {
    CHECK(personality(READ_IMPLIES_EXEC) >= 0);
    call(data(RW));
}

// The page of the C library's getppid.
static unsigned char *page_of_getppid(void) { return (unsigned char *)((uintptr_t)getppid & ~(uintptr_t)(PAGE - 1)); }

static void in_pages_that_are_dropped(void) {
    getppid();
    CHECK(!madvise(page_of_getppid(), 2 * PAGE, MADV_DONTNEED));
    for (int i = 0; i < 100; i++) getppid();
}

static void in_code_that_was_writable(void) {
    CHECK(!mprotect(page_of_getppid(), 2 * PAGE, RW));
    CHECK(!mprotect(page_of_getppid(), 2 * PAGE, RX));
    for (int i = 0; i < 100; i++) getppid();
    CHECK(!mprotect(page_of_getppid(), 2 * PAGE, RW | PROT_EXEC));
    for (int i = 0; i < 100; i++) getppid();
}

static void in_code_that_moves(void) {
    unsigned char *two = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *front = map(RW), *text = map(RW);
    memcpy(text, CALL + 1, sizeof CALL - 1);
    front[PAGE - 1] = CALL[0];
    CHECK(!mprotect(text, PAGE, RX) && !mprotect(front, PAGE, RX));
    CHECK(mremap(front, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, two) == two);
    CHECK(mremap(text, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, two + PAGE) == two + PAGE);
    call(two + PAGE - 1);
}

static void *calls(void *at) {
    for (int i = 0; i < 1000; i++) call(at);
    return NULL;
}

static unsigned char *shared_page;
static void *makes(void *unused) {
    (void)unused;
    shared_page = data(RW);
    CHECK(!mprotect(shared_page, PAGE, RX));
    return NULL;
}

static void made_by_another_thread(void) {
    pthread_t thread[3];
    CHECK(!pthread_create(&thread[0], NULL, makes, NULL) && !pthread_join(thread[0], NULL));
    for (int t = 0; t < 3; t++) CHECK(!pthread_create(&thread[t], NULL, calls, shared_page));
    calls(shared_page);
    for (int t = 0; t < 3; t++) CHECK(!pthread_join(thread[t], NULL));
}

static _Atomic int ready, made;
static void *waits_and_calls(void *unused) {
    (void)unused;
    ready++;
    while (!made) {}
    return calls(shared_page);
}

static void made_beside_threads(void) {
    pthread_t thread[3];
    for (int t = 0; t < 3; t++) CHECK(!pthread_create(&thread[t], NULL, waits_and_calls, NULL));
    while (ready < 3) {}
    makes(NULL);
    made = 1;
    calls(shared_page);
    for (int t = 0; t < 3; t++) CHECK(!pthread_join(thread[t], NULL));
}

static void made_by_a_vfork_child(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        makes(NULL);
        _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    calls(shared_page);
}

static void *forks(void *unused) {
    (void)unused;
    made_by_a_vfork_child();
    made = 1;
    return NULL;
}

static void made_by_a_threads_vfork_child(void) {
    pthread_t thread[2];
    CHECK(!pthread_create(&thread[0], NULL, waits_and_calls, NULL) && !pthread_create(&thread[1], NULL, forks, NULL));
    for (int t = 0; t < 2; t++) CHECK(!pthread_join(thread[t], NULL));
}

static void made_before_a_fork(void) {
    makes(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        calls(shared_page);
        _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
    calls(shared_page);
}

static void where_gs_is_taken(void) {
    CHECK(!syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1000));
    for (int i = 0; i < 100; i++) getppid();
}

static const struct { const char *name; void (*run)(void); } cases[] = {
#define CASE(name) {#name, name}
    CASE(in_an_immediate), CASE(over_instructions), CASE(over_pages), CASE(over_mappings), CASE(in_data),
    CASE(in_data_by_a_key), CASE(written_while_executable), CASE(in_pages_of_zeros), CASE(only_executable),
    CASE(mapped_twice_shared), CASE(mapped_twice_private), CASE(in_a_file_that_changes), CASE(in_a_file_that_grows),
    CASE(in_system_v_memory), CASE(where_reading_is_executing), CASE(in_pages_that_are_dropped),
    CASE(in_code_that_was_writable), CASE(in_code_that_moves), CASE(made_by_another_thread), CASE(made_beside_threads),
    CASE(made_by_a_vfork_child), CASE(made_by_a_threads_vfork_child), CASE(made_before_a_fork), CASE(where_gs_is_taken),
};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name)) continue;
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            cases[i].run();
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        printf("%s: %s\n", cases[i].name, status ? "failed" : "done");
        fflush(stdout);
    }
}
