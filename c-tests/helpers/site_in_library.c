// A library with a site of its own, in a function whose name is given (-DNAME=).
#include <sys/syscall.h>

long NAME(void) {
    long result;
    __asm__ volatile("mov %1, %%eax\n\tsyscall" : "=a"(result) : "i"(SYS_getppid) : "rcx", "r11", "memory");
    return result;
}
