#!/usr/bin/env bash
# What a hook writes to the application's memory is all there and no more, whatever its length.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

helper hook_calls
for rewrite in on off; do
    said=$(USERTRAP_HOOK=$BIN/hooks/writes.so USERTRAP_REWRITE=$rewrite LD_PRELOAD=$LIB ./hook_calls 500 500 2>&1 | paste -sd' ')
    [ "$said" = '500: 0 500: 0' ] || fail "rewrite $rewrite: got '$said'"
done
finish
