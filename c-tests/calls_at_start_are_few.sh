#!/usr/bin/env bash
# arm: seccomp sud
# Shows that a start takes no more calls of ours than docs/calls-of-our-own.md says: that of the first process, to its
# filter, and that of a program it executes, to the program's first call.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
command -v strace >/dev/null || { echo "skipped: no strace"; exit 77; }
strace -o /dev/null true 2>/dev/null || { echo "skipped: strace may not trace"; exit 77; }

env=$(command -v env) true=$(type -P true)
strace -i -o lines env LD_PRELOAD="$LIB" USERTRAP_UNFIT=refuse "$env" "$true" || fail "status $?"

first=$(awk '/\[0000580000/ { calls++ } /seccomp\(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG/ { print calls; exit }' lines)
image=$(awk 'image && !/\[0000580000/ { print calls; exit } /execveat\(.*AT_EMPTY_PATH\) = 0/ { image = 1; calls = 0 } { calls++ }' lines)
echo "the first process: ${first:-none}, an image: ${image:-none}"
[ "${first:-999}" -le 130 ] || fail "the first process takes ${first:-no} calls"
[ "${image:-999}" -le 50 ] || fail "an image takes ${image:-no} calls"
finish
