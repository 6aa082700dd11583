// Argument lists for tests of exec: both sides build the same one and compare.
#ifndef VECTORS_H
#define VECTORS_H

#include "check.h"

// The vector's strings as the image found them: the same count, the same bytes.
static MAYBE_UNUSED void check_vector(char *const *got, char *const *want) {
    long n = 0;
    for (; want[n]; n++) {
        if (!got[n] || strcmp(got[n], want[n]))
            fprintf(stderr, "string %ld: got \"%.60s\", want \"%.60s\"\n", n, got[n] ? got[n] : "(end)", want[n]);
        CHECK(got[n] && !strcmp(got[n], want[n]));
    }
    if (got[n]) fprintf(stderr, "one string too many: \"%.200s\"\n", got[n]);
    CHECK(!got[n]);
}

// A string of `length` bytes that go through all values but 0, from `first`; never freed.
static MAYBE_UNUSED char *all_bytes(size_t length, unsigned first) {
    char *text = malloc(length + 1);
    CHECK(text);
    for (size_t n = 0; n < length; n++) text[n] = (char)((first + n) % 255 + 1);
    text[length] = 0;
    return text;
}

// `count` strings of different lengths, all behind one prefix.
static MAYBE_UNUSED char **many_strings(long count, const char *prefix) {
    char **vector = malloc((count + 1) * sizeof *vector);
    CHECK(vector);
    for (long n = 0; n < count; n++) CHECK(asprintf(&vector[n], "%s%ld=%.*s", prefix, n, (int)(n % 40),
                                                    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH") > 0);
    vector[count] = NULL;
    return vector;
}

#endif
