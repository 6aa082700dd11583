#!/bin/bash
# The report reaches stderr, or the file named, although the program closed descriptor
# 2 or all of them; and it never lands in a file that got the number 2 later.
set -eu
fail() { echo "$*" >&2; exit 1; }
for how in return close-2 close-all reuse-2 dup-over; do
    rm -f mine err out
    LD_PRELOAD=$LIB USERTRAP_TOOL=stat "$BIN/stat_subject" "$how" >/dev/null 2>err || fail "$how: status $?"
    grep -q getppid err || fail "$how: no report on stderr"
    [ ! -e mine ] || [ "$(cat mine)" = mine ] || fail "$how: the program's own file has $(head -c 200 mine)"
    rm -f mine
    LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_OUT=$PWD/out "$BIN/stat_subject" "$how" >/dev/null 2>err || fail "$how: status $?"
    cat out* | grep -q getppid || fail "$how: no report in the file"
    ! grep -q getppid err || fail "$how: a report on stderr as well"
    [ ! -e mine ] || [ "$(cat mine)" = mine ] || fail "$how: the program's own file has $(head -c 200 mine)"
done
# Descriptor 2 closed from the start: the report cannot go anywhere, the program runs as it would.
LD_PRELOAD=$LIB USERTRAP_TOOL=stat "$BIN/stat_subject" reuse-2 2>&- || fail "2 closed at start: status $?"
[ "$(cat mine)" = mine ] || fail "2 closed at start: the report went into the program's file"
