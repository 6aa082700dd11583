// also: vetted load
// Shows that mmap, mprotect and pkey_mprotect which make memory executable give the results and protections that they
// give natively: over holes, at odd addresses, of files that are short, closed or under a rule against new code.
#include "check.h"
#include "maps.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { RW = PROT_READ | PROT_WRITE, RX = PROT_READ | PROT_EXEC };
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static void say(const char *what, long result) { printf("%s: %s\n", what, result >= 0 ? "done" : strerrorname_np(errno)); }

static unsigned char *pages(int count, int protection) {
    unsigned char *start = mmap(NULL, (size_t)count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(start != MAP_FAILED);
    return start;
}

static void map(const char *what, size_t length, int flags, int fd, off_t offset) {
    void *start = mmap(NULL, length, RX, flags, fd, offset);
    say(what, start == MAP_FAILED ? -1 : 0);
    if (start != MAP_FAILED) CHECK_PROTECTION(start, "r-xp");
}

static int file;

static void of_files(void) {
    int null = open("/dev/null", O_RDONLY), write_only = open("code", O_WRONLY | O_CREAT, 0600);
    CHECK(null >= 0 && write_only >= 0 && !unlink("code"));
    map("file", PAGE, MAP_PRIVATE, file, 0);
    map("offset", PAGE, MAP_PRIVATE, file, 100);
    map("nothing", 0, MAP_PRIVATE, file, 0);
    map("too long", ~(size_t)0, MAP_PRIVATE, file, 0);
    map("device", PAGE, MAP_PRIVATE, null, 0);
    map("write only", PAGE, MAP_PRIVATE, write_only, 0);
    map("closed", PAGE, MAP_PRIVATE, 1000, 0);
    map("populated", PAGE, MAP_PRIVATE | MAP_POPULATE, file, 0);
}

static void of_no_type(void) { map("no type", PAGE, 0, file, 0); }
static void behind_the_end(void) { map("longer than the file", 1 << 24, MAP_PRIVATE, file, 0); }

static void over_others(void) {
    unsigned char *taken = pages(1, RW);
    void *start = mmap(taken, PAGE, RX, MAP_PRIVATE | MAP_FIXED_NOREPLACE, file, 0);
    say("taken", start == MAP_FAILED ? -1 : 0);
    CHECK(mmap(taken, PAGE, RX, MAP_PRIVATE | MAP_FIXED, file, 0) == taken);
    CHECK_PROTECTION(taken, "r-xp");
}

static void over_a_hole(void) {
    unsigned char *hole = pages(3, RW);
    CHECK(!munmap(hole + PAGE, PAGE));
    say("over a hole", mprotect(hole, 3 * PAGE, RX));
    CHECK_PROTECTION(hole, "r-xp");
    CHECK_PROTECTION(hole + 2 * PAGE, "rw-p");
}

static void at_odd_places(void) {
    unsigned char *odd = pages(2, RW);
    say("odd address", mprotect(odd + 1, PAGE, RX));
    say("odd length", mprotect(odd, PAGE + 1, RX));
    CHECK_PROTECTION(odd + PAGE, "r-xp");
    say("no length", mprotect(odd, 0, RX));
    say("again", mprotect(odd, PAGE, RX));
    say("no such key", syscall(SYS_pkey_mprotect, odd, PAGE, RX, 77));
    CHECK_PROTECTION(odd, "r-xp");
}

static void of_odd_bits(void) { say("odd bits", mprotect(pages(1, RW), PAGE, RX | 0x1000)); }

static void over_code(void) {
    unsigned char *mixed = pages(2, RX);
    CHECK(!mprotect(mixed, PAGE, PROT_READ));
    say("mixed", mprotect(mixed, 2 * PAGE, RX));
    CHECK_PROTECTION(mixed, "r-xp");
}

static void under_a_rule(void) {
    unsigned char *data = pages(1, RW);
    CHECK(!prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0));
    map("file under the rule", PAGE, MAP_PRIVATE, file, 0);
    say("data under the rule", mprotect(data, PAGE, RX));
    CHECK_PROTECTION(data, "rw-p");
}

int main(void) {
    void (*const cases[])(void) = {of_files, of_no_type, behind_the_end, over_others, over_a_hole,
                                   at_odd_places, of_odd_bits, over_code, under_a_rule};
    file = open("/proc/self/exe", O_RDONLY);
    CHECK(file >= 0);
    // Each in a process of its own, which no other has armed.
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            cases[i]();
            fflush(stdout);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    PASS();
}
