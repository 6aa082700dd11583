#!/usr/bin/env bash
# Shows that a program in which signals wait blocked, with the codes of faults, ends under a tracer that stops it at each
# signal, too: our own signals to it get by.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
command -v strace >/dev/null || { echo "skipped: no strace"; exit 77; }
strace -o /dev/null true 2>/dev/null || { echo "skipped: strace may not trace"; exit 77; }
for mode in native trap rewrite fallback; do
    options=()
    for setting in $(environment_of $mode); do options+=(-E "$setting"); done
    timeout -s KILL 100 strace -f -o /dev/null "${options[@]}" "$BIN/blocked_faults_beside_others" >$mode.out
    status=$?
    [ "$status $(cat $mode.out)" = "0 ok" ] || fail "$mode: status $status"
done
finish
