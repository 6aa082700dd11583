#!/usr/bin/env bash
# user: root
# Shows that a file for which the administrator has registered a handler (binfmt_misc) is run by it, with the
# arguments that the kernel gives it, and that everything around it (a script's interpreter, a handler that is
# switched off, unknown formats) is as natively. Handlers of a user namespace need Linux 6.7.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
cat >setup.sh <<'END'
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null || exit 77
misc=/proc/sys/fs/binfmt_misc
echo ":plain:M::\\x13TESTA::$PWD/show:" >$misc/register || exit 77
echo ":keeps:M:2:ST::$PWD/show:P" >$misc/register
echo ":masked:M::\\x13TESTM:\\xff\\xff\\xff\\xff\\xff\\xf0:$PWD/show:" >$misc/register
echo ":named:E::tst::$PWD/show:" >$misc/register
echo ":off:M::\\x13TESTO::$PWD/show:" >$misc/register
echo 0 >$misc/off
[ "$#" = 0 ] || exec "$@"
END
cat >calls.sh <<'END'
for file in a k m named.tst o x by-script; do
    echo "== $file"
    ./$file one 'two words' ''
    echo "status $?"
    (exec -a zero ./$file one)
    echo "status $?"
done 2>&1
END
printf '\023TESTA\n' >a
printf '\001\002ST' >k
printf '\023TESTE\n' >m
printf 'anything\001\n' >named.tst
printf '\023TESTO\001\377' >o
printf '\177ELF\002\001\001' >x
printf '#!%s first argument\n' "$PWD/a" >by-script
chmod +x a k m named.tst o x by-script
cat >show.c <<'END'
#include <stdio.h>
#include <sys/auxv.h>
int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("[%s] ", argv[i]);
    printf("%s\n", (char *)getauxval(AT_EXECFN));
}
END
"${CC:-cc}" -O2 show.c -o show || exit 1
prefix=(unshare --user --map-root-user --mount sh)
"${prefix[@]}" setup.sh 2>/dev/null || { echo "skipped: no binfmt_misc in user namespaces here"; exit 77; }
modes="trap rewrite"
prefix=(unshare --user --map-root-user --mount sh setup.sh)
same bash calls.sh
grep -q '^\[' native.out || fail "no handler ran natively"
finish
