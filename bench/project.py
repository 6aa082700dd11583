"""A C project for builds to be measured."""

import os

FILES = 40


def write(folder):
    """A program of FILES sources that do a little of everything, with a makefile as people write them."""
    names = [f"part{i:02}" for i in range(FILES)]
    for i, name in enumerate(names):
        body = "".join(
            f"static int step_{k}(int n)\n{{\n    char text[64];\n    snprintf(text, sizeof text, \"%d-{k}\", n);\n"
            f"    for (int i = 0; text[i]; i++) n = n * {31 + k} + text[i];\n"
            f"    return n ^ (int)strlen(text);\n}}\n\n" for k in range(12))
        calls = " + ".join(f"step_{k}(n + {k})" for k in range(12))
        with open(os.path.join(folder, name + ".c"), "w") as out:
            out.write(f'#include "parts.h"\n\n{body}int {name}(int n)\n{{\n    return {calls};\n}}\n')
    with open(os.path.join(folder, "parts.h"), "w") as out:
        out.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n")
        out.writelines(f"int {name}(int n);\n" for name in names)
    with open(os.path.join(folder, "main.c"), "w") as out:
        sums = "".join(f"    sum += {name}(argc);\n" for name in names)
        out.write(f'#include "parts.h"\n\nint main(int argc, char **argv)\n{{\n    int sum = argv == NULL;\n{sums}'
                  '    printf("%d\\n", sum);\n    return 0;\n}\n')
    with open(os.path.join(folder, "Makefile"), "w") as out:
        out.write("CFLAGS = -O1 -Wall\nOBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))\n\n"
                  "program: $(OBJECTS)\n\t$(CC) $(CFLAGS) -o $@ $(OBJECTS)\n\n"
                  "%.o: %.c parts.h\n\t$(CC) $(CFLAGS) -c -o $@ $<\n\n"
                  "clean:\n\trm -f program *.o\n")
