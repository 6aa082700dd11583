#!/usr/bin/env bash
# Shows that a signal at every instruction of a call is as it should be also where a hook answers calls, lets them
# pass or changes their results, with vector state of any extent kept around it.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
for hook in answer answer_sse answer_scalar pass change; do
    object=$EXAMPLES/libhook_$hook.so
    [ -r "$object" ] || { echo "no $object: make examples"; exit 1; }
    said=$(env LD_PRELOAD="$object" "$BIN/interrupted_at_every_instruction" "number 500" getppid passed 2>&1) || fail "$hook: $said"
    grep -q "^number 500.*all interrupted" <<<"$said" || fail "$hook: $said"
done
finish
