#!/usr/bin/env bash
# A hook in C++ uses the standard library, exceptions and thread-local objects, in several threads, dynamic programs and
# static ones.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

expect() { [ "$1" = "$2" ] || fail "$3: got '$2', want '$1'"; }

command -v c++ >/dev/null || { echo "no C++ compiler"; exit 77; }
c++ -std=c++20 -O2 -Wall -Wextra -Werror -shared -fPIC -I"$C_TESTS/../include" -o plus.so "$C_TESTS/helpers/hook_cplusplus.cc" || exit 1
helper hook_calls -static
mv hook_calls hook_calls.static
helper hook_calls
for program in ./hook_calls ${COMMAND:+./hook_calls.static}; do
    start="env LD_PRELOAD=$LIB"
    [ "$program" = ./hook_calls ] || start="$COMMAND --"
    # shellcheck disable=SC2086
    got=$(USERTRAP_HOOK=$PWD/plus.so $start $program 500 501 thread fork 500 2>said)
    expect "500: 105 501: 7 thread: 7 500: 105" "$(paste -sd' ' <<<"$got")" "$program"
    expect "500: 500 100 7.5,501: 501 100 7.5" "$(sort -u said | paste -sd,)" "$program at its end"
done
finish
