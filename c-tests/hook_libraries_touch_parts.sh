#!/usr/bin/env bash
# Of a hook library whose code shows what it changes of vector and floating-point state, only that is kept, and FS stays the
# application's unless it is used: the application has all of its own back, whichever part it is.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

has() { grep -qw "$1" /proc/cpuinfo; }
programs="fpu_state_survives_call vectors_survive_call registers_survive_call flags_survive_call handler_edits_context fs_base_anywhere"

# touches NAME FLAGS...: all programs beside the library that is built with these.
touches() {
    local name=$1 program said
    shift
    "${CC:-cc}" -O2 -Wall -Wextra -I"$C_TESTS/../include" -shared -fPIC "$C_TESTS/helpers/hook_touches.c" -o "./$name.so" "$@" || exit 1
    for program in $programs; do
        said=$(env LD_PRELOAD="$LIB" USERTRAP_HOOK="./$name.so" "$BIN/$program" 2>&1)
        [ "$said" = ok ] || fail "$name, $program: $said"
    done
}

# others NAME: by the trap, and beside another library.
others() {
    local said
    for settings in "USERTRAP_REWRITE=off USERTRAP_HOOK=./$1.so" "USERTRAP_HOOK=./$1.so,$BIN/hooks/ticker.so" "USERTRAP_TOOL=stat USERTRAP_OUT=/dev/null USERTRAP_HOOK=./$1.so"; do
        # shellcheck disable=SC2086
        said=$(env LD_PRELOAD="$LIB" $settings "$BIN/vectors_survive_call" 2>&1)
        [ "$said" = ok ] || fail "$settings: $said"
    done
}

touches general
touches low -DLOW
touches x87 -DX87
touches mmx -DMMX
touches control -DCONTROL
touches block -DBLOCK
touches by_pointer -DBY_POINTER
touches pointer_without_block -DBY_POINTER -DFLAGS=USERTRAP_NO_TLS
others general
if has avx; then
    touches upper -DUPPER
    others upper
fi
if has avx512f && has avx512bw; then
    touches wide -DWIDE
    touches high -DHIGH
    touches masks -DMASKS
    touches upper_and_high -DUPPER -DHIGH
    touches all -DLOW -DX87 -DMMX -DCONTROL -DUPPER -DWIDE -DHIGH -DMASKS -DBLOCK
    touches all_by_pointer -DLOW -DX87 -DCONTROL -DUPPER -DWIDE -DHIGH -DMASKS -DBY_POINTER
fi
finish
