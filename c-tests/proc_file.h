// Whole files of /proc, and numbers in them.
#ifndef PROC_FILE_H
#define PROC_FILE_H

#include "check.h"

// The file's bytes, a zero behind them; never freed.
static MAYBE_UNUSED char *whole_file(const char *path, size_t *length) {
    size_t room = 1 << 16, used = 0;
    char *text = malloc(room);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fprintf(stderr, "%s: %s\n", path, strerror(errno));
    CHECK(file >= 0 && text);
    for (;;) {
        if (room - used < 2) CHECK(text = realloc(text, room *= 2));
        ssize_t got = read(file, text + used, room - used - 1);
        CHECK(got >= 0);
        if (got == 0) break;
        used += got;
    }
    close(file);
    text[used] = 0;
    if (length) *length = used;
    return text;
}

// The text behind `name:` and blanks in /proc/self/status, up to the line's end; never freed.
static MAYBE_UNUSED char *status_line(const char *name) {
    char *text = whole_file("/proc/self/status", NULL);
    size_t length = strlen(name);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (!strncmp(line, name, length) && line[length] == ':') return line + length + 1 + strspn(line + length + 1, " \t");
    return "(none)";
}

// Field `n` (from 1, as in proc(5)) of /proc/PID/stat; from 3 on, for none of those before is a number.
static MAYBE_UNUSED unsigned long stat_field(const char *path, int n) {
    char *text = whole_file(path, NULL), *at = strrchr(text, ')');
    CHECK(at && n > 3);
    at += 2;
    for (int field = 3; field < n; field++) CHECK(at = strchr(at, ' ') + 1);
    unsigned long value = strtoul(at, NULL, 10);
    free(text);
    return value;
}

#endif
