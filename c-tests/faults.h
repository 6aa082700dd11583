// Whether code runs, or what it dies of, at some address.
#ifndef FAULTS_H
#define FAULTS_H

#include "check.h"
#include <setjmp.h>

static sigjmp_buf fault_back;
static volatile sig_atomic_t fault_signal, fault_code;

static void fault_handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    fault_signal = signal;
    fault_code = info->si_code;
    siglongjmp(fault_back, 1);
}

// Calls `mov $7,%eax; ret` at `code`: 7, or minus the signal.
static MAYBE_UNUSED int result_of_code(void *code) {
    struct sigaction action = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO}, before;
    CHECK_EQ(sigaction(SIGSEGV, &action, &before), 0);
    int result;
    __asm__ volatile("" : : "r"(code) : "memory"); // the bytes are there now
    if (sigsetjmp(fault_back, 1) == 0)
        result = ((int (*)(void))code)();
    else
        result = -fault_signal;
    CHECK_EQ(sigaction(SIGSEGV, &before, NULL), 0);
    return result;
}

static const unsigned char returns_seven[] = {0xb8, 7, 0, 0, 0, 0xc3};

#endif
