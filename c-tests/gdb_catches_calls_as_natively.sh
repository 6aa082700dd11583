#!/usr/bin/env bash
# arm: seccomp sud
# Shows that `catch syscall NAME` of gdb stops at entry and return of each call, with number, arguments, result and the
# application's functions as natively. A call that traps is seen twice, the first time as one that has returned its own
# number: at each site's first hit, and without rewriting at each call.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_watch

# shellcheck disable=SC2034
only='^(entry|return|no |watched)'
alike "catch syscall" ./gdb_watch 'break loop' run 'catch syscall getppid read' "source $C_TESTS/helpers/gdb_catch.py" delete\ 1 catches
[ "$(grep -c '^return' native.normal)" = 8 ] || fail "natively: $(grep -c '^entry' native.normal) calls"
# trapped MODE COUNT
trapped() { grep -q "^trapped: $2\$" "$1.session" || fail "[$1]: $(grep '^trapped' "$1.session"), want $2"; }
trapped native 0
trapped rewrite 2
trapped fallback 2
trapped trap 8
finish
