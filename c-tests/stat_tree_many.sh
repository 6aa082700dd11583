#!/bin/bash
# 10,000 short-lived children are counted exactly, in memory that does not grow with them
# once the list of processes is full.
# shellcheck disable=SC1091
set -eu
. "$C_TESTS/helpers/tree.sh"
subject A=1 sizes 10000 10
holds 'calls(report) == 100_000 and len(processes) == 4096 and report["others"]["processes"] == 5905'
holds 'all(calls(p) == 10 and p["end"] == "exit" for p in children)'
holds 'report["others"]["total"]["calls"] == sum(p["total"]["calls"] for p in children[:1]) * 5905'
mapfile -t bytes <said
[ "${bytes[0]}" -gt 0 ] || fail "no shared memory: ${bytes[*]}"
[ "${bytes[3]}" -le $((bytes[2] + 16384)) ] || fail "it grows: ${bytes[*]}"
[ "${bytes[3]}" -le $((8 << 20)) ] || fail "it is large: ${bytes[*]}"
# All at once.
subject A=1 together 1500 10
holds 'calls(report) == 15_000 and len(children) == 1500 and all(calls(p) == 10 for p in children)'
