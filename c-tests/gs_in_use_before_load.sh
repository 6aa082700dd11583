#!/usr/bin/env bash
# arm: seccomp
# Shows that a program which uses GS before it loads the library goes on correctly, all its threads and
# children, and that its calls are seen from then on.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper gs_in_use -ldl -pthread
./gs_in_use >native.out || fail "natively"
for mode in on off; do
    LATE_LIB=$LIB USERTRAP_UNFIT=refuse USERTRAP_REWRITE=$mode ./gs_in_use >"$mode.out" 2>"$mode.err" || fail "$mode: status $?"
    cmp native.out "$mode.out" || fail "$mode: output differs"
    [ ! -s "$mode.err" ] || fail "$mode: says $(head -3 "$mode.err")"
done
LATE_LIB=$LIB USERTRAP_UNFIT=refuse USERTRAP_TOOL=stat USERTRAP_OUT=report ./gs_in_use >stat.out || fail "stat: status $?"
cmp native.out stat.out || fail "stat: output differs"
calls=$(awk '$NF == "getpid" { print $1; exit }' report)
[ "${calls:-0}" -ge 800 ] || fail "getpid was seen ${calls:-0} times"
finish
