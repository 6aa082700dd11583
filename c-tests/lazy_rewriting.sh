#!/usr/bin/env bash
# arm: seccomp sud
# Shows that with USERTRAP_REWRITE=lazy a site is rewritten at its 16th trap and not before: of 1,000 calls from one
# site 16 or a few more trap, of 10 all.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
cat >calls.c <<'END'
#include <stdlib.h>
#include <sys/syscall.h>
int main(int argc, char **argv) {
    for (int left = atoi(argv[argc - 1]); left > 0; left--) {
        long result = SYS_getppid;
        __asm__ volatile("mov $110, %%eax\n\tsyscall" : "=a"(result) : : "rcx", "r11", "memory");
    }
}
END
"${CC:-cc}" -O2 calls.c -o calls || exit 1
trapped() { # trapped REWRITE CALLS: all calls by the trap
    env LD_PRELOAD="$LIB" USERTRAP_REWRITE="$1" USERTRAP_TOOL=stat ./calls "$2" 2>&1 |
        sed -n 's/ *\([0-9]*\)  calls by the trap.*/\1/p'
}
for rewrite in on lazy off; do
    none=$(trapped "$rewrite" 0) few=$(trapped "$rewrite" 10) many=$(trapped "$rewrite" 1000)
    case $rewrite in
    on) [ $((few - none)) = 1 ] && [ $((many - none)) = 1 ] ;;
    lazy) [ $((few - none)) = 10 ] && [ $((many - none)) -ge 16 ] && [ $((many - none)) -le 17 ] ;;
    off) [ $((few - none)) = 10 ] && [ $((many - none)) = 1000 ] ;;
    esac || fail "$rewrite: $none, $few, $many traps for 0, 10, 1000 calls"
done
finish
