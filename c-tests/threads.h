// Threads for tests: creation that must succeed, and stacks of a chosen size.
#ifndef THREADS_H
#define THREADS_H
#include "check.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>

static MAYBE_UNUSED pthread_t start_thread(void *(*body)(void *), void *argument, size_t stack_size) {
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    if (stack_size) CHECK_EQ(pthread_attr_setstacksize(&attributes, stack_size), 0);
    CHECK_EQ(pthread_create(&thread, &attributes, body, argument), 0);
    CHECK_EQ(pthread_attr_destroy(&attributes), 0);
    return thread;
}

static MAYBE_UNUSED void *join_thread(pthread_t thread) {
    void *result;
    CHECK_EQ(pthread_join(thread, &result), 0);
    return result;
}

// A number in kilobytes out of /proc/self/status, such as "VmRSS".
static MAYBE_UNUSED long status_number(const char *name) {
    char text[8192], key[40];
    int fd = open("/proc/self/status", O_RDONLY);
    CHECK(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    CHECK(n > 0);
    close(fd);
    text[n] = 0;
    snprintf(key, sizeof key, "\n%s:", name);
    char *at = strstr(text, key);
    CHECK(at != NULL);
    return strtol(at + strlen(key), NULL, 10);
}
#endif
