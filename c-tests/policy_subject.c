// user: root
// static: yes
// Without a policy nothing is denied. policy_rules_hold.sh runs it under policies, too: it says what its calls gave, by its own
// sites and, with the argument `gate`, by a jump to a `syscall` of the gate.
#include "check.h"
#include <sys/socket.h>

extern char **environ;

static void say(const char *what, long result) { printf("%s: %ld\n", what, result < 0 ? result : 0); }

// A call by the `syscall; ret` at `gate`.
static long by(const unsigned char *gate, long number, long a, long b) {
    long result;
    asm volatile("call *%1" : "=a"(result) : "r"(gate), "a"(number), "D"(a), "S"(b), "d"(0L) : "rcx", "r11", "memory");
    return result;
}

static void jumps(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, access) != 3 || start >> 32 != 0x5800 || access[2] != 'x') continue;
        for (const unsigned char *at = (void *)start; at + 3 <= (unsigned char *)end; at++) {
            if (at[0] != 0x0f || at[1] != 0x05 || at[2] != 0xc3) continue;
            found++;
            printf("gate %d: getppid %d socket %ld openat %ld\n", found, by(at, SYS_getppid, 0, 0) > 0,
                   by(at, SYS_socket, AF_INET, SOCK_STREAM) < 0 ? by(at, SYS_socket, AF_INET, SOCK_STREAM) : 0,
                   by(at, SYS_openat, AT_FDCWD, (long)"/dev/null") < 0 ? by(at, SYS_openat, AT_FDCWD, (long)"/dev/null") : 0);
        }
    }
    if (maps) fclose(maps);
}

int main(int argc, char **argv) {
    const char *part = argc > 1 ? argv[1] : "calls";
    if (!strcmp(part, "calls") || !strcmp(part, "exec") || !strcmp(part, "fork")) {
        say("socket inet", raw2(SYS_socket, AF_INET, SOCK_STREAM));
        say("socket unix", raw2(SYS_socket, AF_UNIX, SOCK_STREAM));
        say("socket inet, upper half set", raw2(SYS_socket, (1L << 32) | AF_INET, SOCK_STREAM));
        say("socket unix, upper half set", raw2(SYS_socket, (1L << 32) | AF_UNIX, SOCK_STREAM));
        say("getuid", raw0(SYS_getuid));
        say("getpriority", raw2(SYS_getpriority, 0, 0));
        say("number 500", raw0(500));
        fflush(stdout);
        if (!strcmp(part, "exec")) execl(argv[2], argv[2], "calls", (char *)NULL);
        if (!strcmp(part, "fork") && fork() == 0) execl(argv[2], argv[2], "calls", (char *)NULL);
        while (wait(NULL) > 0) {}
        return 0;
    }
    if (!strcmp(part, "gate")) {
        jumps();
        return 0;
    }
    return 1;
}
