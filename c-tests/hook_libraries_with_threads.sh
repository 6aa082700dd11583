#!/usr/bin/env bash
# A hook that has threads of its own: they run beside the application, which gets its signals, ends as it is to end, and
# has children without them.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
helper hook_threads
hook=$BIN/hooks/ticker.so
for ending in return:3 last:5 leader-first:6 exec:8 signal:143; do
    for settings in USERTRAP_REWRITE=on USERTRAP_REWRITE=off USERTRAP_TOOL=stat; do
        status=0
        { env LD_PRELOAD="$LIB" USERTRAP_HOOK="$hook" USERTRAP_OUT=/dev/null $settings timeout 20 ./hook_threads "${ending%:*}" 2>said || status=$?; } 2>/dev/null
        [ $status = "${ending#*:}" ] || fail "$ending, $settings: status $status: $(cat said)"
    done
done
finish
