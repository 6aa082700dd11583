// static: yes
// A process that can map nothing more, for RLIMIT_AS or for the number of its mappings, executes and
// spawns as ever.
#include "exec.h"
#include <sys/resource.h>

static char *arguments[] = {"program", NULL, NULL};

static void spawns(void) {
    RUNS_TO(3, execv(self, arguments));
    for (int i = 0; i < 3; i++) {
        int status;
        pid_t child = vfork();
        if (child == 0) {
            execv(self, arguments);
            _exit(errno);
        }
        CHECK(child > 0);
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 3 << 8);
    }
    char *argv[] = {"x", NULL};
    CHECK_ERR(execv("no-such-file", argv), ENOENT);
    CHECK_ERR(execv("text", argv), ENOEXEC);
}

static void by_address_space(void) {
    // Room for the image's mappings, all of it taken here.
    CHECK(mmap(NULL, 256 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED);
    unsigned long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    struct rlimit limit = {pages * PAGE, pages * PAGE};
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    CHECK_ERR((long)mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    spawns();
}

static void by_number(void) {
    // Every second page of a large range is a mapping of its own.
    size_t size = (size_t)1 << 30;
    char *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(at != MAP_FAILED);
    for (size_t offset = PAGE; offset < size; offset += 2 * PAGE)
        if (mprotect(at + offset, PAGE, PROT_READ) != 0) break;
    CHECK_EQ(errno, ENOMEM);
    while (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) continue;
    CHECK_EQ(errno, ENOMEM);
    spawns();
}

int main(int argc, char **argv) {
    if (is_image(argc, argv)) return 3;
    know_self(argv);
    arguments[1] = image_word();
    write_text("text", "text", 0755);
    spawns(); // what is made at first use
    int status;
    IN_CHILD(status, by_address_space());
    CHECK_EQ(status, 0);
    IN_CHILD(status, by_number());
    CHECK_EQ(status, 0);
    PASS();
}
