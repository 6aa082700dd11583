#!/usr/bin/env bash
# A fault signal that another process sends while a tool or a hook copies from a pointer that leads nowhere is no
# fault of the copy, and keeps none from being caught.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

subject=$BIN/sent_faults_beside_bad_pointers
for round in 1 2 3; do
    timeout -k 5 100 "$COMMAND" trace -e chdir -o lines -- "$subject" >/dev/null || fail "trace, round $round: status $?"
    timeout -k 5 100 "$COMMAND" --hook "$BIN/hooks/reads.so" -- "$subject" >/dev/null || fail "a hook, round $round: status $?"
    timeout -k 5 100 env LD_PRELOAD="$EXAMPLES/libhook_reads.so" "$subject" >/dev/null || fail "a linked-in hook, round $round: status $?"
done
finish
