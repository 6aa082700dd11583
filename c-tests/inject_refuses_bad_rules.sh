#!/bin/bash
# What the inject tool does not understand it says in one line, with what is valid, and starts nothing.
set -eu
fail() { echo "$*" >&2; exit 1; }
check() { # check WORDS OPTIONS...: the line has these words
    local words=$1 status=0
    shift
    "$COMMAND" inject "$@" -- /bin/echo started >out 2>err || status=$?
    [ "$status" = 125 ] || fail "$*: status $status"
    [ ! -s out ] || fail "$*: started"
    [ "$(wc -l <err)" = 1 ] || fail "$*: $(cat err)"
    grep -q -F -- "$words" err || fail "$*: no '$words' in $(cat err)"
}
check "give -e CALLS:error=NAME"
check "there is no system call reed" -e reed:error=EIO
check "valid: error=, retval=, signal=" -e read:fail=EIO
check "a name such as EIO" -e read:error=EFOO
check "does not say what to inject" -e read:when=2
many=()
for _ in {1..33}; do many+=(-e read:error=EIO); done
check "there is room for 32" "${many[@]}"
