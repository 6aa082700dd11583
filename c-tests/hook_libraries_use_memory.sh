#!/usr/bin/env bash
# What a hook allocates, maps and loads lies apart from the application's, however much it is.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

helper hook_calls
for rewrite in on off; do
    said=$(USERTRAP_HOOK=$BIN/hooks/memory.so USERTRAP_REWRITE=$rewrite LD_PRELOAD=$LIB ./hook_calls 500 500 500 2>&1 | paste -sd' ')
    [ "$said" = '500: 0 500: 0 500: 0' ] || fail "rewrite $rewrite: got '$said'"
done
finish
