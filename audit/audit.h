// The parts of the audit: what main.c, tracer.c, tally.c and gate.c share.
#ifndef AUDIT_H
#define AUDIT_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Where a call may be made from, and how we see that it is executed.
struct options {
    const char *library;  // its symbols say where the gate is
    const char *report;   // a file for the figures as JSON, or NULL
    uint64_t base;        // where the library's first byte lies; 0: where the maps show it when the arm is set
    bool stops;           // PTRACE_SYSCALL in place of a filter that reports
    bool quiet;           // no table
    bool verbose;         // a line for each call
};
extern struct options options;

// What became of a call.
enum fate {
    FROM_GATE,  // executed from the gate
    TRAPPED,    // not executed: SIGSYS
    BEFORE_ARM, // executed by the first process before the arm was set
    VSYSCALL,   // executed from the vsyscall page
    NATIVE_32,  // executed by a 32-bit image
    UNDECIDED,  // the thread was killed before the kernel had decided
    MISSED,     // executed elsewhere
    FATES
};

struct call {
    uint64_t ip; // behind the instruction
    uint64_t number;
    uint32_t arch;
    char where[160]; // the mapping, if it had to be looked up early
};

struct process {
    pid_t pid;
    int threads;
    bool is_32_bit;
    char name[64];
    uint64_t fates[FATES];
};

// gate.c
void gate_read_symbols(const char *library);
void gate_place(uint64_t base);
bool gate_known(void);
bool gate_holds(uint64_t ip);
void gate_print(char *text, size_t length);
uint64_t library_base(pid_t tid, const char *library);
void mapping_of(pid_t tid, uint64_t ip, char *text, size_t length);
bool image_is_32_bit(pid_t pid);

// tally.c
extern bool armed;
void tally(struct process *process, pid_t tid, enum fate fate, const struct call *call);
void tally_fold(struct process *process, bool ended);
uint64_t tally_print(void);
const char *call_name(const struct call *call, char *scratch, size_t length);

// names.c, which audit/Makefile makes from asm/unistd_64.h
extern const char *const call_names[];
extern const size_t call_names_count;

// tracer.c
int trace(char **command, char **settings, int settings_count);

_Noreturn void die(const char *what);
#endif
