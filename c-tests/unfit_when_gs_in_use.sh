#!/usr/bin/env bash
# Shows that in a program that uses GS already there is one clear line, and the untouched program
# (USERTRAP_UNFIT=run) or its end (USERTRAP_UNFIT=refuse).
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper gs_in_use -ldl
./gs_in_use >native.out || fail "natively"
LATE_LIB=$LIB USERTRAP_UNFIT=run ./gs_in_use >run.out 2>run.err || fail "run: status $?"
cmp native.out run.out || fail "run: output differs"
[ "$(wc -l <run.err)" = 1 ] && grep -q usertrap run.err || fail "run: not one line: $(head -3 run.err)"
LATE_LIB=$LIB USERTRAP_UNFIT=refuse ./gs_in_use >refuse.out 2>refuse.err
status=$?
[ "$status" != 0 ] && [ "$status" -lt 126 ] || fail "refuse: status $status"
[ ! -s refuse.out ] || fail "refuse: the program went on"
[ "$(wc -l <refuse.err)" = 1 ] && grep -q usertrap refuse.err || fail "refuse: not one line: $(head -3 refuse.err)"
finish
