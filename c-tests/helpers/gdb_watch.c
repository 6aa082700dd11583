// A loop that writes to what gdb_watchpoints_as_natively.sh watches, by instructions and by calls.
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile long watched;
volatile char filled[8];
static int ends[2];

__attribute__((noinline)) static long filled_by_call(int i) {
    char c = (char)('a' + i);
    long result;
    if (write(ends[1], &c, 1) != 1) return -1;
    __asm__ volatile("mov $0, %%eax; syscall; nop"
                     : "=&a"(result)
                     : "D"(ends[0]), "S"(filled), "d"(1L)
                     : "rcx", "r11", "memory");
    return result;
}

__attribute__((noinline)) static void loop(int count) {
    for (int i = 0; i < count; i++) {
        watched += getppid() > 0;
        watched += filled_by_call(i) == 1;
    }
}

__attribute__((noinline)) static void warm(void) { __asm__ volatile(""); }

int main(void) {
    if (pipe(ends) != 0) return 1;
    loop(1);
    warm();
    loop(3);
    printf("watched %ld %c\n", watched, filled[0]);
    return 0;
}
