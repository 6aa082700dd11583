// Says whether it is interposed, and executes the arguments, if there are any.
#include "../check.h"

int main(int argc, char **argv) {
    printf("%s\n", interposed() ? "interposed" : "native");
    fflush(stdout);
    if (argc == 1) return 0;
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
