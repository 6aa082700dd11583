#!/usr/bin/env bash
# Shows that a signal at every instruction of a call is as it should be also where a hook answers calls, lets them
# pass or changes their results, with vector state of any extent kept around it; and where it is a library, with and
# without a thread block of its own.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
for hook in answer answer_sse answer_scalar pass change; do
    object=$EXAMPLES/libhook_$hook.so
    [ -r "$object" ] || { echo "no $object: make examples"; exit 1; }
    said=$(env LD_PRELOAD="$object" "$BIN/interrupted_at_every_instruction" "number 500" getppid passed 2>&1) || fail "$hook: $said"
    grep -q "^number 500.*all interrupted" <<<"$said" || fail "$hook: $said"
done
# The hook reads memory, where a fault of its own may be that instruction.
said=$(env LD_PRELOAD="$EXAMPLES/libhook_reads.so" "$BIN/interrupted_at_every_instruction" "a path" "no path" 2>&1) || fail "reads: $said"
grep -q "^no path.*all interrupted" <<<"$said" || fail "reads: $said"
for part in GENERAL UPPER BLOCK BY_POINTER; do
    "${CC:-cc}" -O2 -I"$C_TESTS/../include" -shared -fPIC "$C_TESTS/helpers/hook_touches.c" -o "./$part.so" "-D$part" || exit 1
    said=$(env LD_PRELOAD="$LIB" USERTRAP_HOOK="./$part.so" "$BIN/interrupted_at_every_instruction" "number 500" getppid passed 2>&1) ||
        fail "$part: $said"
    grep -q "^number 500.*all interrupted" <<<"$said" || fail "$part: $said"
done
finish
