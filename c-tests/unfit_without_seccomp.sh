#!/usr/bin/env bash
# Shows that where no filter can be set there is one clear line, and the untouched program
# (USERTRAP_UNFIT=run, the default) or a refusal to start (USERTRAP_UNFIT=refuse).
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper outer_filter
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
"$BIN/results_are_natural" >native.out || fail "status $? natively"
for setting in USERTRAP_LOG=error USERTRAP_UNFIT=run; do
    ./outer_filter no_seccomp env LD_PRELOAD="$LIB" "$setting" "$BIN/results_are_natural" >run.out 2>run.err || fail "$setting: status $?"
    cmp native.out run.out || fail "$setting: output differs"
    [ "$(wc -l <run.err)" = 1 ] && grep -q usertrap run.err || fail "$setting: not one line: $(head -3 run.err)"
done
./outer_filter no_seccomp env LD_PRELOAD="$LIB" USERTRAP_UNFIT=refuse "$BIN/results_are_natural" >refuse.out 2>refuse.err
status=$?
[ "$status" != 0 ] && [ "$status" -lt 126 ] || fail "refuse: status $status"
[ ! -s refuse.out ] || fail "refuse: the program ran"
[ "$(wc -l <refuse.err)" = 1 ] && grep -q usertrap refuse.err || fail "refuse: not one line: $(head -3 refuse.err)"
finish
