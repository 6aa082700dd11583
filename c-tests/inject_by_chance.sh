#!/bin/bash
# Chance is that of the seed: the same one injects the same again, in the children too; another one does
# not; and the report has the seed that was taken where none was given.
set -eu
fail() { echo "$*" >&2; exit 1; }
run() { # run NAME OPTIONS...: what the program says in NAME, the report in NAME.report
    local name=$1
    shift
    "$COMMAND" inject -o "$name.report" -e getppid:error=EIO:chance=20% "$@" -- "$BIN/inject_subject" many >"$name" 2>"$name.err" ||
        fail "$name: status $?: $(cat "$name.err")"
}
run one --seed 42
run two --seed 42
cmp one two || fail "the same seed, other results"
grep -q 'seed 42' one.report || fail "no seed in: $(cat one.report)"
grep -E -q '^ +[0-9]+ +400  getppid  error=EIO:chance=20%$' one.report || fail "report: $(cat one.report)"
grep -q 'errno 5' one && grep -q 'errno 0' one || fail "not by chance: $(sort one | uniq -c)"
grep many one | cut -d: -f2 >parent
grep child one | cut -d: -f2 >child
! cmp -s parent child || fail "parent and child draw the same"
run three --seed 43
! cmp -s one three || fail "another seed, the same results"
run four
seed=$(sed -n 's/.*seed //p' four.report)
run five --seed "$seed"
cmp four five || fail "the seed of the report gives other results"
# And without the command.
LD_PRELOAD=$LIB USERTRAP_TOOL=inject USERTRAP_INJECT=getppid:error=EIO:chance=20% USERTRAP_INJECT_SEED=42 \
    USERTRAP_OUT=$PWD/report "$BIN/inject_subject" many >six
cmp one six || fail "preloaded, other results"
cmp <(sed 1d one.report) <(sed 1d report) || fail "preloaded, another report"
