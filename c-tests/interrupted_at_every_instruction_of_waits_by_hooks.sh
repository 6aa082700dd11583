#!/usr/bin/env bash
# Shows that a signal at every instruction of a call that a hook makes itself, and while the hook waits in it, comes
# before the call, ends it with EINTR, or comes behind it: once, and the call is made once.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
object=$EXAMPLES/libhook_wait.so
[ -r "$object" ] || { echo "no $object: make examples"; exit 1; }
for rewrite in on off; do
    said=$(HOOK_WAITS=1 USERTRAP_REWRITE=$rewrite LD_PRELOAD=$object "$BIN/interrupted_at_every_instruction_of_waits" read 2>&1) ||
        fail "rewriting $rewrite: $said"
    grep -q "^read, .*all others interrupted" <<<"$said" || fail "rewriting $rewrite: $said"
done
finish
