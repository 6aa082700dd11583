// Counts, by program, and the first calls that were missed.
#include "audit.h"

#include <inttypes.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 20 };

bool armed;

static struct program {
    char name[64];
    uint64_t images, fates[FATES];
} *programs;
static size_t program_count;

static struct shown {
    char program[64], where[160];
    pid_t pid, tid;
    struct call call;
} missed[SHOWN], early[SHOWN]; // early: before the arm, in case it is never set
static uint64_t missed_count, early_count, processes;
static uint64_t early_by_number[512];

const char *call_name(const struct call *call, char *scratch, size_t length)
{
    if (call->arch == AUDIT_ARCH_X86_64 && call->number < call_names_count && call_names[call->number])
        return call_names[call->number];
    snprintf(scratch, length, "%s%" PRId64, call->arch == AUDIT_ARCH_X86_64 ? "" : "i386:", (int64_t)call->number);
    return scratch;
}

static void show(struct shown *list, uint64_t *count, struct process *process, pid_t tid, const struct call *call)
{
    if ((*count)++ >= SHOWN) return;
    struct shown *entry = &list[*count - 1];
    *entry = (struct shown){.pid = process->pid, .tid = tid, .call = *call};
    memcpy(entry->program, process->name, sizeof entry->program);
    if (call->where[0])
        memcpy(entry->where, call->where, sizeof entry->where);
    else
        mapping_of(tid, call->ip, entry->where, sizeof entry->where);
}

void tally(struct process *process, pid_t tid, enum fate fate, const struct call *call)
{
    process->fates[fate]++;
    if (fate == MISSED) show(missed, &missed_count, process, tid, call);
    if (fate == BEFORE_ARM) {
        show(early, &early_count, process, tid, call);
        early_by_number[call->number < 512 ? call->number : 511]++;
    }
    if (options.verbose) {
        static const char *const words[] = {"gate", "trapped", "before-arm", "vsyscall", "32-bit", "undecided", "MISSED"};
        char scratch[32];
        fprintf(stderr, "[%d] %-10s %s %s @%#" PRIx64 "\n", tid, words[fate], process->name,
                call_name(call, scratch, sizeof scratch), call->ip);
    }
}

// The counts of an image that has ended, by exec or for good.
void tally_fold(struct process *process, bool ended)
{
    struct program *program = programs;
    while (program < programs + program_count && strcmp(program->name, process->name) != 0) program++;
    if (program == programs + program_count) {
        programs = realloc(programs, ++program_count * sizeof *programs);
        if (!programs) die("memory");
        program = &programs[program_count - 1];
        *program = (struct program){0};
        memcpy(program->name, process->name, sizeof program->name);
    }
    program->images++;
    for (int fate = 0; fate < FATES; fate++) program->fates[fate] += process->fates[fate];
    memset(process->fates, 0, sizeof process->fates);
    processes += ended;
}

static uint64_t calls_of(const struct program *program)
{
    uint64_t sum = 0;
    for (int fate = 0; fate < FATES; fate++) sum += fate == TRAPPED ? 0 : program->fates[fate];
    return sum;
}

static int by_calls(const void *a, const void *b)
{
    uint64_t left = calls_of(a), right = calls_of(b);
    return left < right ? 1 : left > right ? -1 : 0;
}

static void print_row(const struct program *row)
{
    fprintf(stderr, "%12" PRIu64 " %9" PRIu64 "  %9" PRIu64 " %9" PRIu64 " %7" PRIu64 " %9" PRIu64 " %9" PRIu64 "  %s",
            row->fates[FROM_GATE], row->fates[TRAPPED], row->fates[BEFORE_ARM], row->fates[VSYSCALL],
            row->fates[NATIVE_32], row->fates[UNDECIDED], row->fates[MISSED], row->name);
    fprintf(stderr, row->images == 1 ? "\n" : " (%" PRIu64 " times)\n", row->images);
}

static void print_json(FILE *out, const struct program *row)
{
    static const char *const keys[] = {"gate", "trapped", "before_arm", "vsyscall", "native_32", "undecided", "missed"};
    fprintf(out, "{\"name\": \"");
    for (const char *c = row->name; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') fprintf(out, "\\u%04x", (unsigned char)*c);
        else fputc(*c, out);
    fprintf(out, "\", \"images\": %" PRIu64, row->images);
    for (int fate = 0; fate < FATES; fate++) fprintf(out, ", \"%s\": %" PRIu64, keys[fate], row->fates[fate]);
    fprintf(out, "}");
}

// The calls before the arm, by name; `format` takes a name and a count.
static void print_early(FILE *out, const char *format)
{
    const char *comma = "";
    for (uint64_t number = 0; number < 512; number++) {
        if (!early_by_number[number]) continue;
        struct call call = {.number = number, .arch = AUDIT_ARCH_X86_64};
        char scratch[32];
        fputs(comma, out);
        fprintf(out, format, call_name(&call, scratch, sizeof scratch), early_by_number[number]);
        comma = ", ";
    }
}

// Returns how many were missed.
uint64_t tally_print(void)
{
    struct program total = {.name = "all"};
    const struct shown *list = missed;
    if (!armed) { // then the first process's calls have no excuse
        for (size_t i = 0; i < program_count; i++) {
            programs[i].fates[MISSED] += programs[i].fates[BEFORE_ARM];
            programs[i].fates[BEFORE_ARM] = 0;
        }
        missed_count = early_count;
        list = early;
    }
    qsort(programs, program_count, sizeof *programs, by_calls);
    for (size_t i = 0; i < program_count; i++) {
        total.images += programs[i].images;
        for (int fate = 0; fate < FATES; fate++) total.fates[fate] += programs[i].fates[fate];
    }
    uint64_t wrong = total.fates[MISSED];

    if (!options.quiet || wrong) {
        char gate[64];
        gate_print(gate, sizeof gate);
        fprintf(stderr, "audit: %" PRIu64 " calls executed, %" PRIu64 " missed; %" PRIu64 " processes, %" PRIu64
                        " images; %s; gate %s\n",
                calls_of(&total), wrong, processes, total.images, armed ? "armed" : "NEVER ARMED", gate);
    }
    if (!options.quiet) {
        fprintf(stderr, "%12s %9s  %9s %9s %7s %9s %9s  %s\n", "gate", "trapped", "early", "vsyscall", "32-bit",
                "undecided", "missed", "program");
        for (size_t i = 0; i < program_count; i++) print_row(&programs[i]);
        print_row(&total);
        if (armed && early_count) {
            fprintf(stderr, "early: ");
            print_early(stderr, "%s %" PRIu64);
            fprintf(stderr, "\n");
        }
    }
    for (uint64_t i = 0; i < missed_count && i < SHOWN; i++) {
        char scratch[32];
        fprintf(stderr, "  missed: %s [%d:%d] %s at 0x%" PRIx64 " %s\n", list[i].program, list[i].pid, list[i].tid,
                call_name(&list[i].call, scratch, sizeof scratch), list[i].call.ip - 2, list[i].where);
    }
    if (missed_count > SHOWN) fprintf(stderr, "  missed: and %" PRIu64 " more\n", missed_count - SHOWN);

    FILE *out = options.report ? fopen(options.report, "ae") : NULL;
    if (options.report && !out) die(options.report);
    if (out) {
        fprintf(out, "{\"armed\": %s, \"processes\": %" PRIu64 ", \"calls\": %" PRIu64 ", \"total\": ",
                armed ? "true" : "false", processes, calls_of(&total));
        print_json(out, &total);
        fprintf(out, ", \"early\": {");
        print_early(out, "\"%s\": %" PRIu64);
        fprintf(out, "}, \"programs\": [");
        for (size_t i = 0; i < program_count; i++) {
            if (i) fprintf(out, ", ");
            print_json(out, &programs[i]);
        }
        fprintf(out, "]}\n");
        fclose(out);
    }
    return wrong;
}
