#!/usr/bin/env bash
# Shows that C++ programs that others execute run as natively, however they are linked: static objects,
# exceptions, streams, threads.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
command -v "${CXX:-c++}" >/dev/null || { echo "skipped: no C++ compiler"; exit 77; }
for flags in "-pie -fPIE" "-no-pie" "-static" "-static-pie -fPIE"; do
    # shellcheck disable=SC2086
    "${CXX:-c++}" -O1 -std=c++17 -pthread "$C_TESTS/helpers/cplusplus.cc" -o ./cplusplus $flags || exit 1
    same sh -c './cplusplus one two; echo "status $?"; exec env -i ./cplusplus three'
done
finish
