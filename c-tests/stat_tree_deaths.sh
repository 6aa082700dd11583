#!/bin/bash
# Children that die by a signal, at whatever instruction, or by a raw exit are counted like
# others, and what they had is used again.
# shellcheck disable=SC1091
set -eu
. "$C_TESTS/helpers/tree.sh"
subject A=1 deaths
holds 'calls(report) == 8000 and all(calls(p) == 1000 for p in children)'
holds 'sorted((p["end"], p.get("status")) for p in children if p["end"] == "exit") == [("exit", n) for n in range(4)]'
holds 'sum(p["end"] == "killed" for p in children) == 4'
subject A=1 killed 50
holds 'calls(report) == 50_000 and all(calls(p) == 1000 and p["end"] == "killed" for p in children)'
# More of them than there is room for at a time.
subject A=1 killed 5000 3
holds 'calls(report) == 15_000 and len(processes) == 4096 and report["others"]["processes"] == 905'
holds 'all(calls(p) == 3 for p in children) and report["uncounted"] == {"threads": 0, "processes": 0}'
# A child that is killed between a call and its own note of it has made one more.
subject A=1 killed-anywhere 400 2000
holds '0 <= calls(report) - int(said) <= 400'
