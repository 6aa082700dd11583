#!/usr/bin/env bash
# Hooks that allocate do so while another thread waits for its child (clone with CLONE_VFORK alone), which waits for them;
# that thread waits until the child has executed a program or ended, and no longer.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
helper waiting_parent
for call in clone clone3; do
    for way in exec failing-exec exit killed fork; do
        native=$(timeout 20 ./waiting_parent $call $way)
        for settings in "USERTRAP_HOOK=$BIN/hooks/busy.so" "USERTRAP_HOOK=$BIN/hooks/busy.so USERTRAP_REWRITE=off" USERTRAP_TOOL=none; do
            # shellcheck disable=SC2086 # words
            said=$(env LD_PRELOAD="$LIB" $settings timeout -s KILL 20 ./waiting_parent $call $way 2>&1)
            [ "$said" = "$native" ] || fail "$call $way, $settings: got '$said', want '$native'"
        done
    done
done
finish
