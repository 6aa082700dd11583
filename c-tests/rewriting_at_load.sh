#!/usr/bin/env bash
# arm: seccomp sud
# Shows that with USERTRAP_REWRITE=load no first call of a site traps whose function has unwind information: in the
# program itself, in a library that ld.so has loaded, in one that is loaded later, and in code that mprotect makes
# executable; in programs that others execute, too. A site of no such function traps once, as ever.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
cat >site.h <<'END'
// A site in a function of its own, PROC and ENDP around it: with unwind information, or without.
#define SITE(name, PROC, ENDP)                                                                     \
    __asm__(".text\n.globl " name "\n.type " name ",@function\n" name ":\n" PROC "\n"               \
            "  nop\n  mov $110,%eax\n  syscall\n  ret\n" ENDP "\n.size " name ",.-" name "\n")
#define PROVED(name) SITE(name, ".cfi_startproc", ".cfi_endproc")
END
cat >early.c <<'END'
#include "site.h"
PROVED("early");
END
sed s/early/late/ early.c >late.c
cat >calls.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "site.h"
PROVED("own");
SITE("unknown", "", "");
long own(void), unknown(void), early(void);
int main(int argc, char **argv) {
    long parent = getppid(), wrong = 0;
    void *library = dlopen("./late.so", RTLD_NOW);
    long (*late)(void) = (long (*)(void))dlsym(library, "late");
    void *page = (void *)((unsigned long)late & -4096);
    if (strcmp(argv[1], "protected") == 0 && (mprotect(page, 4096, PROT_READ) || mprotect(page, 4096, PROT_READ | PROT_EXEC)))
        return 2;
    for (int left = atoi(argv[2]); left > 0; left--)
        wrong |= own() - parent | early() - parent | late() - parent;
    for (int left = atoi(argv[3]); left > 0; left--)
        wrong |= unknown() - parent;
    return wrong ? 1 : 0;
}
END
"${CC:-cc}" -O2 -fPIC -shared early.c -o early.so || exit 1
"${CC:-cc}" -O2 -fPIC -shared late.c -o late.so || exit 1
"${CC:-cc}" -O2 calls.c ./early.so -o calls -ldl || exit 1
trapped() { # trapped REWRITE WORDS...: all calls by the trap
    local rewrite=$1
    shift
    env LD_PRELOAD="$LIB" USERTRAP_REWRITE="$rewrite" USERTRAP_TOOL=stat USERTRAP_OUT=report "$@" || fail "$*: status $?"
    sed -n 's/ *\([0-9]*\)  calls by the trap.*/\1/p' report
}
for way in loaded protected; do
    for start in "" "env -i"; do
        # shellcheck disable=SC2086
        for rewrite in on load; do
            none=$(trapped $rewrite $start ./calls $way 0 0) calls=$(trapped $rewrite $start ./calls $way 5 0)
            unknown=$(trapped $rewrite $start ./calls $way 0 5)
            case $rewrite in
            on) [ $((calls - none)) = 3 ] && [ $((unknown - none)) = 1 ] ;;
            load) [ $((calls - none)) = 0 ] && [ $((unknown - none)) = 1 ] ;;
            esac || fail "$rewrite, $way, ${start:-directly}: $none, $calls, $unknown traps for none, proved, unknown sites"
            [ $rewrite = on ] || [ "${none:-99}" -lt 25 ] || fail "$way, ${start:-directly}: $none traps at start"
        done
    done
done
finish
