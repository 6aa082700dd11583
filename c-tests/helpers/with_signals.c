// with_signals block|ignore NUMBERS COMMAND...: runs it with those signals blocked or ignored.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    sigset_t set;
    sigemptyset(&set);
    for (char *number = strtok(argv[2], ","); number; number = strtok(NULL, ",")) {
        int signal_number = atoi(number);
        sigaddset(&set, signal_number);
        if (!strcmp(argv[1], "ignore") && signal(signal_number, SIG_IGN) == SIG_ERR) return 2;
    }
    if (!strcmp(argv[1], "block")) sigprocmask(SIG_SETMASK, &set, NULL);
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
