#!/usr/bin/env bash
# Shows that gdb comes from every instruction of ours to the application's function that made the call, with its
# registers: passed, in a hook and behind it, answered, with all vector registers kept, forking, and from the trap to
# the end of the call.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_call

# steps KIND MODE OBJECT SETTINGS LEAST: through one call; at least so many instructions are ours
steps() {
    local lib=$LIB
    LIB=$3
    KIND=$1 MORE=$4 session "$2" ./gdb_call "$1" -- -x "$C_TESTS/helpers/gdb_steps.py"
    LIB=$lib
    local ours
    ours=$(sed -n 's/^steps: [0-9]*, ours: \([0-9]*\), wrong: 0, finished: True.*/\1/p' "$2.session")
    [ "${ours:-0}" -ge "$5" ] || fail "$*: $(grep -E '^wrong|^steps' "$2.session" || tail -5 "$2.session")"
    echo "$1 $2 ${3##*/}: ${ours:-none} instructions"
}
steps getpid rewrite "$LIB" "" 5
steps getpid rewrite "$EXAMPLES/libhook_pass.so" "" 40
steps getpid rewrite "$EXAMPLES/libhook_answer_scalar.so" "" 40
steps getpid rewrite "$EXAMPLES/libhook_answer.so" "" 100
steps getpid rewrite "$LIB" "USERTRAP_TOOL=stat" 100
steps span rewrite "$LIB" "" 7
steps span rewrite "$EXAMPLES/libhook_answer_scalar.so" "" 42
steps getpid fallback "$LIB" "" 5
steps getpid fallback "$EXAMPLES/libhook_answer.so" "" 100
START=usertrap_signal_entry steps getpid trap "$LIB" "" 60
steps fork rewrite "$LIB" "" 300
finish
