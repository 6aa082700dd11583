#!/usr/bin/env bash
# Shows that where the arm cannot be had (a filter, Syscall User Dispatch, either) there is one clear line, and the untouched program
# (USERTRAP_UNFIT=run, the default) or a refusal to start (USERTRAP_UNFIT=refuse).
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper outer_filter
./outer_filter harmless true || { echo "skipped: no seccomp filter here"; exit 77; }
"$BIN/results_are_natural" >native.out || fail "status $? natively"
for case in no_seccomp:seccomp no_dispatch:sud no_arm:auto; do
    kind=${case%:*} arm=${case#*:}
    for setting in USERTRAP_LOG=error USERTRAP_UNFIT=run; do
        ./outer_filter "$kind" env LD_PRELOAD="$LIB" USERTRAP_ARM="$arm" "$setting" "$BIN/results_are_natural" >run.out 2>run.err || fail "$case, $setting: status $?"
        cmp native.out run.out || fail "$case, $setting: output differs"
        [ "$(wc -l <run.err)" = 1 ] && grep -q usertrap run.err || fail "$case, $setting: not one line: $(head -3 run.err)"
    done
    ./outer_filter "$kind" env LD_PRELOAD="$LIB" USERTRAP_ARM="$arm" USERTRAP_UNFIT=refuse "$BIN/results_are_natural" >refuse.out 2>refuse.err
    status=$?
    [ "$status" != 0 ] && [ "$status" -lt 126 ] || fail "$case, refuse: status $status"
    [ ! -s refuse.out ] || fail "$case, refuse: the program ran"
    [ "$(wc -l <refuse.err)" = 1 ] && grep -q usertrap refuse.err || fail "$case, refuse: not one line: $(head -3 refuse.err)"
done
finish
