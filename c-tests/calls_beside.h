// A thread that makes calls beside the one that tests, until `over`.
#ifndef CALLS_BESIDE_H
#define CALLS_BESIDE_H
#include "threads.h"

static volatile pid_t other;
static volatile int over;
static void *calls(void *unused) {
    other = gettid();
    while (!over) {
        for (int i = 0; i < 20; i++) CHECK_EQ(raw0(SYS_getppid), getppid());
        usleep(50);
    }
    return unused;
}

#endif
