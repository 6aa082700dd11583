"""Writes a C project of dozens of files: project.py FOLDER FILES. Its makefile builds a generator of code first."""
import os, sys

folder, files = sys.argv[1], int(sys.argv[2])
PARTS = ("lists", "text", "numbers", "trees")


def write(name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def source(part, number):
    return f"""#include "{part}.h"
#include "table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {{ struct node *next; long value; char text[{16 + number % 48}]; }};

static struct node *push(struct node *top, long value)
{{
    struct node *node = malloc(sizeof *node);
    node->next = top;
    node->value = value * {number + 3} % 1009;
    snprintf(node->text, sizeof node->text, "%ld", node->value);
    return node;
}}

static int compare(const void *a, const void *b)
{{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}}

long {part}_{number}(long seed)
{{
    struct node *top = NULL;
    const char *texts[64];
    for (int i = 0; i < 64; i++) {{
        top = push(top, seed + table[(i + {number}) % TABLE]);
        texts[i] = top->text;
    }}
    qsort(texts, 64, sizeof *texts, compare);
    long sum = {number};
    for (int i = 0; i < 64; i++)
        sum = sum * 31 + atol(texts[i]) % 7;
    while (top) {{
        struct node *next = top->next;
        free(top);
        top = next;
    }}
    return sum & 0xffffff;
}}
"""


for part in PARTS:
    numbers = range(files // len(PARTS))
    write(f"{part}/{part}.h", "".join(f"long {part}_{n}(long seed);\n" for n in numbers))
    for n in numbers:
        write(f"{part}/{part}_{n}.c", source(part, n))
    write(f"{part}/Makefile", f"""OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))
lib{part}.a: $(OBJECTS)
\trm -f $@ && $(AR) rcsD $@ $(OBJECTS)
""")
calls = "".join(f"    sum += {p}_{n}(sum % 977);\n" for p in PARTS for n in range(files // len(PARTS)))
write("main.c", "".join(f'#include "{p}.h"\n' for p in PARTS)
      + '#include <stdio.h>\n\nint main(void)\n{\n    long sum = 1;\n' + calls + '    printf("%ld\\n", sum);\n    return 0;\n}\n')
write("generate.c", r"""#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int size = argc > 1 ? atoi(argv[1]) : 0;
    printf("#define TABLE %d\nstatic const long table[TABLE] = {\n", size);
    for (long i = 0, value = 1; i < size; i++, value = value * 75 % 65537)
        printf("    %ld,\n", value);
    puts("};");
    return 0;
}
""")
write("Makefile", f"""export CFLAGS = -O1 -Wall -g0 -pipe -I.. {' '.join(f'-I../{p}' for p in PARTS)}
PARTS = {' '.join(PARTS)}
LIBRARIES = $(foreach part,$(PARTS),$(part)/lib$(part).a)

all: shared program
program: main.o $(LIBRARIES)
\t$(CC) -o $@ main.o $(LIBRARIES)
shared: libwhole.so
libwhole.so: $(LIBRARIES)
\t$(CC) -shared -o $@ -Wl,--whole-archive $(LIBRARIES) -Wl,--no-whole-archive
main.o: CFLAGS += {' '.join(f'-I{p}' for p in PARTS)}
main.o: table.h
generate: generate.c
table.h: generate
\t./generate 97 >$@.new && mv $@.new $@
$(LIBRARIES): table.h always
\t+@$(MAKE) --no-print-directory -C $(@D) $(@F)
.PHONY: all shared always
""")
