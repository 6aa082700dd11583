#!/usr/bin/env bash
# arm: seccomp
# Shows that a library loaded with dlopen arms the threads that existed before, whose calls go on
# right and are served: the report counts them.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper late_load -ldl
./late_load >native.out || fail "natively"
for setting in USERTRAP_REWRITE=off USERTRAP_REWRITE=on USERTRAP_TABLE=0x40060000; do
    for round in 1 2 3; do
        env "$setting" LATE_LIB="$LIB" USERTRAP_TOOL=stat USERTRAP_OUT="$PWD/report" timeout 100 ./late_load >late.out 2>late.err
        status=$?
        [ "$status" = 0 ] && cmp -s native.out late.out || fail "[$setting, round $round] status $status: $(head -3 late.err)"
        calls=$(grep -w getppid report 2>/dev/null | grep -o '[0-9,]\{4,\}' | head -1 | tr -d ,)
        [ "${calls:-0}" -ge 25000 ] || fail "[$setting, round $round] getppid was counted ${calls:-0} times, want 25000 or more"
        rm -f report
    done
done
# Its threads could not be shown to hook libraries: it runs without us (and finds itself not armed).
env LATE_LIB="$LIB" USERTRAP_HOOK="$BIN/hooks/busy.so" timeout 100 ./late_load >late.out 2>late.err
grep -q '^usertrap: hook libraries must be there before the program has several threads; .* the program runs without us$' late.err ||
    fail "with a hook: $(cat late.err)"
finish
