// Where the gate lies, and what lies at an address.
#include "audit.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// A syscall instruction's length: calls are reported by the address behind it.
enum { SYSCALL_LENGTH = 2 };

static uint64_t first, end; // the gate: offsets in the library
static uint64_t base;       // 0: not known yet

_Noreturn static void unfit(const char *library, const char *why)
{
    fprintf(stderr, "audit: %s: %s\n", library, why);
    exit(125);
}

void gate_read_symbols(const char *library)
{
    int file = open(library, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (file < 0 || fstat(file, &about) < 0) die(library);
    const char *bytes = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED) die(library);
    const Elf64_Ehdr *header = (const void *)bytes;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) unfit(library, "no ELF file");

    const Elf64_Shdr *sections = (const void *)(bytes + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB) continue;
        const Elf64_Sym *symbols = (const void *)(bytes + sections[i].sh_offset);
        const char *names = bytes + sections[sections[i].sh_link].sh_offset;
        for (size_t s = 0; s < sections[i].sh_size / sizeof *symbols; s++) {
            const char *name = names + symbols[s].st_name;
            if (!strcmp(name, "usertrap_gate_start")) first = symbols[s].st_value;
            if (!strcmp(name, "usertrap_gate_end")) end = symbols[s].st_value;
        }
    }
    munmap((void *)bytes, about.st_size);
    if (!first || end <= first) unfit(library, "no usertrap_gate_start and usertrap_gate_end among its symbols");
}

void gate_place(uint64_t at) { base = at; }

bool gate_known(void) { return base != 0; }

bool gate_holds(uint64_t ip) { return base && ip >= base + first + SYSCALL_LENGTH && ip <= base + end; }

void gate_print(char *text, size_t length)
{
    if (base)
        snprintf(text, length, "0x%" PRIx64 "-0x%" PRIx64, base + first, base + end);
    else
        snprintf(text, length, "unknown");
}

static FILE *maps_of(pid_t tid)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/maps", tid);
    return fopen(path, "re");
}

// Where `tid` has the library's first byte; 0: nowhere.
uint64_t library_base(pid_t tid, const char *library)
{
    struct stat wanted, about;
    FILE *maps = maps_of(tid);
    uint64_t found = 0;
    char line[5000], path[4096];
    if (stat(library, &wanted) < 0) wanted.st_ino = 0;
    while (maps && !found && fgets(line, sizeof line, maps)) {
        uint64_t from, offset;
        if (sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64 " %*s %*s %4095[^\n]", &from, &offset, path) == 3 &&
            offset == 0 && stat(path, &about) == 0 && about.st_ino == wanted.st_ino && about.st_dev == wanted.st_dev)
            found = from;
    }
    if (maps) fclose(maps);
    return found;
}

// "/lib/libc.so.6+0x1234 r-xp": offsets are the file's.
void mapping_of(pid_t tid, uint64_t ip, char *text, size_t length)
{
    FILE *maps = maps_of(tid);
    char line[5000], path[4096], protection[8];
    snprintf(text, length, "no mapping");
    while (maps && fgets(line, sizeof line, maps)) {
        uint64_t from, to, offset;
        path[0] = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %4095[^\n]", &from, &to, protection, &offset,
                   path) < 4)
            continue;
        if (ip - SYSCALL_LENGTH < from || ip - SYSCALL_LENGTH >= to) continue;
        size_t skip = strlen(path) > 100 ? strlen(path) - 100 : 0;
        snprintf(text, length, "%s+0x%" PRIx64 " %s", path[0] ? path + skip : "anonymous",
                 ip - SYSCALL_LENGTH - from + offset, protection);
        break;
    }
    if (maps) fclose(maps);
}

bool image_is_32_bit(pid_t pid)
{
    char path[40];
    unsigned char ident[EI_NIDENT] = {0};
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool whole = read(file, ident, sizeof ident) == sizeof ident;
    close(file);
    return whole && ident[EI_CLASS] == ELFCLASS32;
}
