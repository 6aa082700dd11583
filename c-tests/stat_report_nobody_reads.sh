#!/usr/bin/env bash
# A report that cannot be written, for nobody reads it or the limit on the size of files forbids it, does
# not change how the program ends.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
{ LD_PRELOAD=$LIB USERTRAP_TOOL=stat sh -c 'sleep 0.5; exit 3' 2>&1 3>&-; echo $? >&3; } 3>status | true
[ "$(<status)" = 3 ] || fail "closed pipe: status $(<status)"
head -c 4096 /dev/zero >full
LD_PRELOAD=$LIB USERTRAP_TOOL=stat sh -c 'ulimit -f 1; exit 3' 2>>full
status=$?
[ "$status" = 3 ] || fail "full file: status $status"
finish
