#!/usr/bin/env bash
# A tool or a hook that looks at what a program's pointers lead to finds out where they lead nowhere, and the program
# learns nothing of it: whatever it does with fault signals, and also in the middle of a copy.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

subject=$BIN/bad_pointers_in_calls
run native "$subject"
[ "$status" = 0 ] || fail "natively: status $status"
under() { # under WHAT COMMAND...: as natively
    local what=$1
    shift
    timeout -k 5 100 "$@" >out 2>err </dev/null
    status=$?
    [ "$status" = 0 ] && cmp -s native.out out && [ ! -s err ] && return
    fail "$what: status $status"
    head -5 err >&2
}
for rewrite in on off; do
    export USERTRAP_REWRITE=$rewrite
    under "trace, rewrite $rewrite" "$COMMAND" trace -s 300 -o lines -- "$subject"
    for line in 'chdir(0x8) *= -1 EFAULT' 'chdir(0x8000000000000000) *= -1 EFAULT' 'chdir("/nonexistent") *= -1 ENOENT' \
        'write(3, 0x8, 100) *= 100' 'write(3, "/none\(\\0\|x\|i\)' 'nanosleep(0xf[0-9a-f]*, NULL) *= -1 EFAULT'; do
        grep -q "$line" lines || fail "trace, rewrite $rewrite: no line '$line'"
    done
    # The one that the program sends to itself.
    [ "$(grep -c -e '--- SIG\(SEGV\|BUS\)' lines)" = 1 ] || fail "trace, rewrite $rewrite: $(grep -e '--- SIG' lines)"
    under "a hook, rewrite $rewrite" "$COMMAND" --hook "$BIN/hooks/reads.so" -- "$subject"
done
unset USERTRAP_REWRITE
under "trace of a static program" "$COMMAND" trace -o lines -- "$subject.static"
helper hook_calls
said=$(timeout -k 5 100 "$COMMAND" --hook "$BIN/hooks/reads.so" -- ./hook_calls 500 500 2>&1 | paste -sd' ')
[ "$said" = '500: 0 500: 0' ] || fail "a hook's own reads: got '$said'"
finish
