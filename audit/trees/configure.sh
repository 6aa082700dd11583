# needs: cc
# What a configure script does: it compiles and runs small programs, some of which fail.
try() { # try NAME SOURCE
    echo "$2" >conftest.c
    if cc -o conftest conftest.c >/dev/null 2>&1 && ./conftest; then echo "$1: yes"; else echo "$1: no"; fi
}
try works 'int main(void) { return 0; }'
try stdio '#include <stdio.h>
int main(void) { return printf("") != 0; }'
try nonsense '#include <nonsense.h>
int main(void) { return 0; }'
try crash 'int main(void) { *(volatile int *)0 = 1; return 0; }' 2>/dev/null
try abort '#include <stdlib.h>
int main(void) { abort(); }' 2>/dev/null
for symbol in fork vfork execveat strlcpy getrandom memfd_create; do
    try "$symbol" "char $symbol(void); int main(void) { return (long)&$symbol == 0; }"
done
for type in int long 'long long' 'void *'; do
    try "$type" "int main(void) { return sizeof($type) != 8; }"
done
uname -s; expr a : '\(a\)'; test -x /bin/sh && echo sh
