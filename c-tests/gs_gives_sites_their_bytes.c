// modes: native trap rewrite load fallback stat
// When a program has used GS, the code of the program itself and of its libraries is as in the files
// around every `syscall` instruction, and stays so.
#include "gs.h"
#include <link.h>
#include <pthread.h>
#include <sys/stat.h>

static int sites;

// The executable segments of one object, compared with its file.
static int compare(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    const char *name = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
    if (strstr(name, "libusertrap") || strstr(name, "vdso")) return 0;
    int fd = open(name, O_RDONLY);
    CHECK(fd >= 0);
    struct stat status;
    CHECK_EQ(fstat(fd, &status), 0);
    unsigned char *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(file != MAP_FAILED);
    close(fd);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
        const unsigned char *there = file + segment->p_offset, *here = (void *)(info->dlpi_addr + segment->p_vaddr);
        for (size_t at = 5; at + 2 <= segment->p_filesz; at++) {
            if (there[at] != 0x0f || there[at + 1] != 0x05) continue;
            if (memcmp(there + at - 5, here + at - 5, 7)) {
                fprintf(stderr, "%s: %#lx\n", name, segment->p_offset + at);
                CHECK(!"as in the file");
            }
            sites++;
        }
    }
    CHECK_EQ(munmap(file, (size_t)status.st_size), 0);
    return 0;
}

static void *body(void *unused) {
    usleep(1);
    return unused;
}

static void use_many(void) {
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        struct stat status;
        CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(stat("/", &status), 0);
        CHECK_EQ(rawreg(SYS_getppid, 0, 0, 0, 0, 0, 0), syscall(SYS_getppid));
        free(malloc(1 << 20));
        CHECK_EQ(close(dup(1)), 0);
        usleep(1);
    }
}

int main(void) {
    use_many();
    struct gs_block block;
    gs_set(&block, 1);
    dl_iterate_phdr(compare, NULL);
    CHECK(sites > 100);
    use_many();
    dl_iterate_phdr(compare, NULL);
    CHECK_GS(&block);
    PASS();
}
