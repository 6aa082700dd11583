# needs: make cc
# A parallel build of some sources by make, gcc's driver, cc1, as, collect2 and ld; then of one that fails.
for i in {1..16}; do
    printf '#include <stdio.h>\n#include <string.h>\nint part%d(int n) { char t[32]; return snprintf(t, 32, "%%d", n) + (int)strlen(t) + %d; }\n' "$i" "$i" >"part$i.c"
done
{ for i in {1..16}; do echo "int part$i(int);"; done; echo '#include <stdio.h>'; echo 'int main(void) { int s = 0;'; for i in {1..16}; do echo "s += part$i($i);"; done; echo 'printf("%d\n", s); return 0; }'; } >main.c
cat >Makefile <<'X'
OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))
program: $(OBJECTS)
	$(CC) -o $@ $(OBJECTS)
version := $(shell echo 1.$$((1 + 1)))
broken:
	@echo "version $(version)"; false
X
make -s -j2 program
./program
make -s broken 2>/dev/null || echo "status $?"
cc -static -o program-static ./*.o && ./program-static
