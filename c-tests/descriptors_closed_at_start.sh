#!/usr/bin/env bash
# Shows that programs started without standard descriptors work as natively, and that the library
# does not take their places.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
helper show_descriptors
for closed in '' '0<&-' '1>&-' '2>&-' '0<&- 2>&-' '0<&- 1>&-'; do
    for mode in native trap rewrite fallback; do
        # shellcheck disable=SC2046
        eval 'env $(environment_of $mode) ./show_descriptors "$PWD/$mode.out"' "$closed"
        status=$?
        [ "$status" = 0 ] || fail "[$mode $closed] status $status"
        cmp native.out "$mode.out" || fail "[$mode $closed] $(diff native.out "$mode.out" | head -5)"
    done
done
finish
