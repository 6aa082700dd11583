#!/usr/bin/env bash
# A program may ignore fault signals while a tool or a hook copies in another of its threads.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

subject=$BIN/ignored_beside_bad_pointers
for round in 1 2 3; do
    timeout -k 5 100 "$COMMAND" trace -e chdir -o lines -- "$subject" >/dev/null || fail "trace, round $round: status $?"
    timeout -k 5 100 env LD_PRELOAD="$EXAMPLES/libhook_reads.so" "$subject" >/dev/null || fail "a hook, round $round: status $?"
done
finish
