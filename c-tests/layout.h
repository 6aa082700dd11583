// The mappings of the running process as a list, and the parts of its program.
#ifndef LAYOUT_H
#define LAYOUT_H

#include "proc_file.h"
#include <elf.h>
#include <sys/auxv.h>

struct area {
    unsigned long from, to, offset;
    char protection[5], *name; // the name as /proc/self/maps has it, "" if none
};

// All mappings, ended by one with to == 0.
static MAYBE_UNUSED struct area *layout(void) {
    char *text = whole_file("/proc/self/maps", NULL);
    size_t lines = 1, n = 0;
    for (char *at = text; *at; at++) lines += *at == '\n';
    struct area *areas = calloc(lines + 1, sizeof *areas);
    CHECK(areas);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++) {
        int name = 0;
        CHECK(sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &areas[n].from, &areas[n].to, areas[n].protection,
                     &areas[n].offset, &name) == 4);
        areas[n].name = line + name;
    }
    return areas;
}

// The first mapping of that name (its last part, for a path); to == 0 if there is none.
static MAYBE_UNUSED struct area area_named(const char *name) {
    struct area *at = layout();
    for (; at->to; at++) {
        const char *slash = strrchr(at->name, '/');
        if (!strcmp(at->name, name) || (slash && !strcmp(slash + 1, name))) break;
    }
    return *at;
}

static MAYBE_UNUSED struct area area_at(const void *address) {
    struct area *at = layout();
    while (at->to && ((unsigned long)address < at->from || (unsigned long)address >= at->to)) at++;
    return *at;
}

// Where the program lies: its header, and the difference from the addresses in it.
extern const Elf64_Ehdr __ehdr_start;
static MAYBE_UNUSED const Elf64_Phdr *program_headers(void) {
    return (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
}
static MAYBE_UNUSED unsigned long program_bias(void) {
    const Elf64_Phdr *first = program_headers();
    if (__ehdr_start.e_type != ET_DYN) return 0;
    while (first->p_type != PT_LOAD) first++;
    return (unsigned long)&__ehdr_start - first->p_vaddr;
}
// The end of the program's last segment, its zeros included.
static MAYBE_UNUSED unsigned long program_end(void) {
    unsigned long end = 0;
    for (int n = 0; n < __ehdr_start.e_phnum; n++) {
        const Elf64_Phdr *header = program_headers() + n;
        unsigned long here = program_bias() + header->p_vaddr + header->p_memsz;
        if (header->p_type == PT_LOAD && here > end) end = here;
    }
    return end;
}

// Prints the mappings of the program's file and of those right behind it, by size, protection and offset.
static MAYBE_UNUSED void show_program_areas(void) {
    struct area *first = layout(), *at;
    const char *name = area_at(&__ehdr_start).name;
    unsigned long before = 0;
    for (at = first; at->to; at++) {
        int ours = !strcmp(at->name, name);
        if (ours || (at->from == before && !at->name[0]))
            printf("  %s %s %#lx at %#lx\n", ours ? "program" : "behind", at->protection, at->to - at->from, at->offset);
        before = ours || at->from == before ? at->to : 0;
    }
}

#endif
