# A threaded program that is linked with musl, whose sites have no number in front of them and no unwind tables.
# coverage: 93 97
# needs: musl-gcc
# modes: rewrite trap guest command
musl-gcc -O2 -o dynamic "$SRC/musl.c"
musl-gcc -O2 -static -o static "$SRC/musl.c"
# ld.so of musl cannot load what is linked with glibc: the programs are reached by an exec.
for program in dynamic static; do under env -u LD_PRELOAD "./$program"; done
