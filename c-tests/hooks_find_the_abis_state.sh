#!/usr/bin/env bash
# A hook finds the floating-point state and flags that the psABI promises a function, whatever the application has, and
# may leave any of it changed: the application has all of its own back.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
hook=$EXAMPLES/libhook_state.so
[ -r "$hook" ] || { echo "no $hook: make examples"; exit 1; }
helper odd_state
for settings in USERTRAP_REWRITE=off USERTRAP_LOG=warn USERTRAP_TABLE=0x40060000; do
    said=$(env LD_PRELOAD="$hook" "$settings" ./odd_state 2>&1)
    [ "$said" = 0 ] || fail "$settings: $said"
    for program in fpu_state_survives_call vectors_survive_call registers_survive_call flags_survive_call handler_edits_context; do
        said=$(cd "$BIN" && env LD_PRELOAD="$hook" "$settings" "./$program" 2>&1)
        [ "$said" = ok ] || fail "$settings $program: $said"
    done
done
finish
