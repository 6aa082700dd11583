#include "config.h"
#include "lib/small.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "words"))
        printf("%zu\n", words(argv[2]));
    else if (argc > 2 && !strcmp(argv[1], "sums"))
        printf("%g\n", sums(argc - 2, argv + 2));
    else
        return fprintf(stderr, "%s\n", PACKAGE_STRING), 2;
    return 0;
}
