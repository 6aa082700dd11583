// What kinds of instructions a stopped thread comes to, told from their bytes (for bench/path_length.c).
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/types.h>

enum { LINES = 256 };

struct kinds {
    long instructions, vector, control, flags, jumps, calls, code_lines;
    uint64_t lines[LINES]; // of 64 bytes, each once
};

static bool kinds_is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x64 || byte == 0x65;
}

static void kinds_add_line(struct kinds *kinds, uint64_t address)
{
    for (long i = 0; i < kinds->code_lines; i++)
        if (kinds->lines[i] == address / 64) return;
    if (kinds->code_lines < LINES) kinds->lines[kinds->code_lines++] = address / 64;
}

// Two bytes or three: 0f, the opcode, and what follows.
static void kinds_add_0f(struct kinds *kinds, const uint8_t *code, bool repeated)
{
    uint8_t opcode = code[1], extension = code[2] >> 3 & 7;
    bool in_register = code[2] >> 6 == 3;
    if (opcode == 0x05) kinds->calls++;
    else if (opcode >= 0x80 && opcode <= 0x8f) kinds->jumps++;
    else if (opcode >= 0x90 && opcode <= 0x9f) kinds->flags++; // setcc
    else if (opcode == 0x01 && code[2] == 0xd0) kinds->control++; // xgetbv
    else if (opcode == 0xae && (repeated ? in_register && extension < 4 : !in_register)) kinds->control++; // FS, GS, mxcsr, xsave
    else if (opcode == 0x10 || opcode == 0x11 || opcode == 0x28 || opcode == 0x29 || opcode == 0x6f || opcode == 0x7f)
        kinds->vector++;
}

// The instruction at `address`, which the thread has not executed yet.
static void kinds_add(struct kinds *kinds, pid_t thread, uint64_t address)
{
    union { uint64_t words[2]; uint8_t bytes[16]; } code;
    for (int i = 0; i < 2; i++) {
        errno = 0;
        code.words[i] = ptrace(PTRACE_PEEKTEXT, thread, address + 8 * i, 0);
        if (errno) code.words[i] = 0; // the end of a mapping
    }
    const uint8_t *at = code.bytes;
    bool repeated = false;
    for (; at < code.bytes + 4 && kinds_is_prefix(*at); at++) repeated |= *at == 0xf3;
    bool vex = *at == 0xc4 || *at == 0xc5 || *at == 0x62;
    if (*at >> 4 == 4) at++; // REX
    kinds->instructions++;
    kinds_add_line(kinds, address);
    if (vex) kinds->vector++;
    else if (*at == 0x0f) kinds_add_0f(kinds, at, repeated);
    else if (*at >= 0x9c && *at <= 0x9f) kinds->flags++; // pushf, popf, sahf, lahf
    else if (*at >> 4 == 7 || *at == 0xe8 || *at == 0xe9 || *at == 0xeb || *at == 0xc3) kinds->jumps++;
    else if (*at == 0xff && (at[1] >> 3 & 7) >= 2 && (at[1] >> 3 & 7) <= 5) kinds->jumps++; // indirect ones
    else if (*at == 0xe3) kinds->jumps++; // jrcxz
}

static void kinds_print(const struct kinds *kinds)
{
    printf("instructions %ld\nvector %ld\ncontrol %ld\nflags %ld\njumps %ld\ncalls %ld\ncode_lines %ld\n", kinds->instructions,
           kinds->vector, kinds->control, kinds->flags, kinds->jumps, kinds->calls, kinds->code_lines);
}
