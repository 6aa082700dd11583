// Programs that execute others: images, the ways to ask for one, and what a refused call must leave.
#ifndef EXEC_H
#define EXEC_H

#include "check.h"
#include <elf.h>
#include <limits.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>

extern char **environ;

// ---- Images ----

// A test executes itself as a rule. The word among the arguments that makes it an image says whether
// the executing process was interposed: the image must be as well.
static MAYBE_UNUSED char *image_word(void) { return interposed() ? "image:interposed" : "image:native"; }

// True in such an image.
static MAYBE_UNUSED int is_image(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "image:", 6)) continue;
        CHECK_EQ(interposed(), !strcmp(argv[i], "image:interposed"));
        return 1;
    }
    return 0;
}

// The absolute path of the program itself (the runner starts it by that).
static char self[PATH_MAX];
static MAYBE_UNUSED void know_self(char **argv) { CHECK(realpath(argv[0], self) != NULL); }

// `call` (an exec, or several) in a forked child; the image must end with status `want`. A call that
// fails ends the child with its errno.
#define RUNS_TO(want, call)                                    \
    do {                                                       \
        int status_;                                           \
        IN_CHILD(status_, {                                    \
            call;                                              \
            _exit(errno);                                      \
        });                                                    \
        CHECK_EQ(status_, (want) << 8);                        \
    } while (0)
#define RUNS(call) RUNS_TO(0, call)

// ---- Files ----

static MAYBE_UNUSED void write_file(const char *path, const void *bytes, size_t length, mode_t mode) {
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, bytes, length), (ssize_t)length);
    CHECK_EQ(fchmod(fd, mode), 0);
    CHECK_EQ(close(fd), 0);
}

static MAYBE_UNUSED void write_text(const char *path, const char *text, mode_t mode) {
    write_file(path, text, strlen(text), mode);
}

static MAYBE_UNUSED void copy_file(const char *from, const char *to, mode_t mode) {
    static char bytes[4 << 20];
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    ssize_t length = read(fd, bytes, sizeof bytes);
    CHECK(length > 0 && length < (ssize_t)sizeof bytes);
    CHECK_EQ(close(fd), 0);
    write_file(to, bytes, (size_t)length, mode);
}

// A whole program: exit(0). With an interpreter's path in `interpreter` it has a PT_INTERP as well.
struct tiny {
    Elf64_Ehdr header;
    Elf64_Phdr load, interp;
    unsigned char code[16];
    char interpreter[64];
};

static MAYBE_UNUSED struct tiny tiny_elf(const char *interpreter) {
    static const unsigned char code[16] = {0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05, 0xf4};
    const unsigned long base = 0x10000000;
    struct tiny elf = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_entry = base + offsetof(struct tiny, code),
                   .e_phoff = offsetof(struct tiny, load),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = interpreter ? 2 : 1},
        .load = {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_X,
                 .p_vaddr = base,
                 .p_paddr = base,
                 .p_filesz = sizeof(struct tiny),
                 .p_memsz = sizeof(struct tiny),
                 .p_align = PAGE},
    };
    memcpy(elf.code, code, sizeof code);
    if (interpreter) {
        strncpy(elf.interpreter, interpreter, sizeof elf.interpreter - 1);
        elf.interp = (Elf64_Phdr){.p_type = PT_INTERP,
                                  .p_flags = PF_R,
                                  .p_offset = offsetof(struct tiny, interpreter),
                                  .p_filesz = strlen(interpreter) + 1,
                                  .p_memsz = strlen(interpreter) + 1,
                                  .p_align = 1};
    }
    return elf;
}

// ---- Calls that are refused ----

// What a refused exec must leave as it was; taken without a descriptor or memory of its own that stays.
struct traces {
    char maps[64 << 10], descriptors[4 << 10];
    sigset_t mask, pending;
};

static MAYBE_UNUSED void take_traces(struct traces *traces) {
    memset(traces, 0, sizeof *traces);
    CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &traces->mask), 0);
    CHECK_EQ(sigpending(&traces->pending), 0);
    // Number and flag of each open descriptor, the directory's own included.
    static char entries[8 << 10];
    int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    size_t used = 0;
    for (long n; (n = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0;) {
        for (long at = 0; at < n; at += *(unsigned short *)(entries + at + 16)) {
            const char *name = entries + at + 19;
            if (name[0] == '.') continue;
            CHECK(used + 40 < sizeof traces->descriptors);
            used += (size_t)sprintf(traces->descriptors + used, "%s(%d) ", name, fcntl(atoi(name), F_GETFD));
        }
    }
    CHECK_EQ(close(fd), 0);
    // All mappings but the stack, which grows by itself.
    static char text[sizeof traces->maps];
    fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    size_t length = 0;
    for (ssize_t n; (n = read(fd, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)n;
    CHECK(length < sizeof text - 1);
    CHECK_EQ(close(fd), 0);
    text[length] = 0;
    used = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end) {
        end++;
        char *stack = strstr(line, "[stack]");
        if (stack && stack < end) continue;
        memcpy(traces->maps + used, line, (size_t)(end - line));
        used += (size_t)(end - line);
    }
}

#define CHECK_NO_TRACES(before) check_no_traces(__FILE__, __LINE__, before)
static MAYBE_UNUSED void check_no_traces(const char *file, int line, const struct traces *before) {
    static struct traces now;
    take_traces(&now);
    if (strcmp(before->descriptors, now.descriptors)) {
        fprintf(stderr, "descriptors before: %s\ndescriptors after:  %s\n", before->descriptors, now.descriptors);
        check_failed(file, line, "the descriptors are the same", 0, 0, 0, 0);
    }
    if (strcmp(before->maps, now.maps)) {
        fprintf(stderr, "before:\n%safter:\n%s", before->maps, now.maps);
        check_failed(file, line, "the mappings are the same", 0, 0, 0, 0);
    }
    if (memcmp(&before->mask, &now.mask, sizeof now.mask)) check_failed(file, line, "the mask is the same", 0, 0, 0, 0);
    if (memcmp(&before->pending, &now.pending, sizeof now.pending)) check_failed(file, line, "the pending signals are the same", 0, 0, 0, 0);
}

// The errno of a refused exec, asked for in a vfork child, which shares our memory.
static MAYBE_UNUSED NOINLINE int errno_in_vfork(const char *path, char **argv, char **envp) {
    volatile int error = -1;
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        execve(path, argv, envp);
        error = errno;
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return error;
}

// EXEC_FAILS(path, ERRNO): by every way to execute a path the answer is that errno.
#define EXEC_FAILS(path, want) exec_fails(__FILE__, __LINE__, #path, path, want)
static MAYBE_UNUSED void exec_fails(const char *file, int line, const char *what, const char *path, int want) {
    char *argv[] = {"refused", NULL}, *envp[] = {"A=1", NULL};
    char text[200];
    pid_t child;
    int got[] = {
        execve(path, argv, envp) == -1 ? errno : 0,
        (int)-syscall(SYS_execveat, -1, path, argv, envp, 0) == 1 ? errno : 0, // fd -1: absolute paths only, see below
        (int)-raw3(SYS_execve, path, argv, envp),
        errno_in_vfork(path, argv, envp),
        posix_spawn(&child, path, NULL, NULL, argv, envp),
    };
    if (path == NULL || path[0] != '/') got[1] = (int)-raw5(SYS_execveat, AT_FDCWD, path, argv, envp, 0);
    static const char *const ways[] = {"execve", "execveat", "a bare execve", "execve after vfork", "posix_spawn"};
    for (int i = 0; i < 5; i++) {
        if (got[i] == want) continue;
        snprintf(text, sizeof text, "%s of %s (%.100s)", ways[i], what, path ? path : "NULL");
        check_failed(file, line, text, got[i], want, 1, got[i]);
    }
}

#endif
