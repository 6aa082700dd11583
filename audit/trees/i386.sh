# needs: as ld
# A 32-bit program, which runs natively by design, in a tree of others.
cat >t.s <<'X'
.globl _start
_start: mov $4, %eax; mov $1, %ebx; mov $text, %ecx; mov $6, %edx; int $0x80
        mov $1, %eax; mov $5, %ebx; int $0x80
text:   .ascii "i386!\n"
X
as --32 -o t.o t.s && ld -m elf_i386 -o t t.o
for i in 1 2 3; do ./t || echo "status $? $i"; done
