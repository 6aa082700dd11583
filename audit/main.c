// The audit of exhaustiveness, from outside: every system call that a command and all that it starts make,
// by where it was made from. What is executed from elsewhere than the library's gate was missed.
#include "audit.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct options options = {.base = 0x580000000000};

static const char USAGE[] =
    "usage: audit --library FILE [options] [--] COMMAND...\n"
    "\n"
    "  -l, --library FILE   the library, whose symbols say where the gate is\n"
    "  -b, --base ADDRESS   where its first byte lies (0x580000000000); 0: where the maps show it\n"
    "  -E, --set NAME=VALUE into the command's environment, not into ours\n"
    "  -s, --stops          two stops a call, no filter of ours in the command\n"
    "  -o, --output FILE    append the figures as a line of JSON\n"
    "  -q, --quiet          no table, unless calls were missed\n"
    "  -v, --verbose        a line for each call\n"
    "\n"
    "The status is 1 if a call was missed or the arm never set, else the command's (128 + N: signal N).\n"
    "Allowed elsewhere: calls before the arm is set, those of the vsyscall page, those of 32-bit images.\n";

_Noreturn void die(const char *what)
{
    fprintf(stderr, "audit: %s: %s\n", what, strerror(errno));
    exit(125);
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"library", required_argument, 0, 'l'}, {"base", required_argument, 0, 'b'}, {"set", required_argument, 0, 'E'},
        {"stops", no_argument, 0, 's'},         {"output", required_argument, 0, 'o'}, {"quiet", no_argument, 0, 'q'},
        {"verbose", no_argument, 0, 'v'},       {"help", no_argument, 0, 'h'},         {0, 0, 0, 0}};
    char **settings = calloc(argc, sizeof *settings);
    int settings_count = 0, option;
    while ((option = getopt_long(argc, argv, "+l:b:E:so:qvh", names, NULL)) != -1) {
        switch (option) {
        case 'l': options.library = optarg; break;
        case 'b': options.base = strtoull(optarg, NULL, 0); break;
        case 'E': settings[settings_count++] = optarg; break;
        case 's': options.stops = true; break;
        case 'o': options.report = optarg; break;
        case 'q': options.quiet = true; break;
        case 'v': options.verbose = true; break;
        case 'h': fputs(USAGE, stdout); return 0;
        default: fputs(USAGE, stderr); return 2;
        }
    }
    if (!options.library || optind == argc) {
        fputs(USAGE, stderr);
        return 2;
    }
    gate_read_symbols(options.library);
    gate_place(options.base);

    int status = trace(argv + optind, settings, settings_count);
    if (tally_print() > 0 || !armed) return 1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
