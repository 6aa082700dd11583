// Makes call 500 from a function that has a name.
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline, noclone)) long calls_it(void) {
    long result = syscall(500);
    __asm__ volatile("" : "+r"(result));
    return result;
}

int main(void) { return calls_it() != 0; }
