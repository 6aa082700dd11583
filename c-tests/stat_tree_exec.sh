#!/bin/bash
# A process that executes programs stays one process of the report, and its counts add up
# over all of them; a vfork child becomes a process of its own.
# shellcheck disable=SC1091
set -eu
. "$C_TESTS/helpers/tree.sh"
for mode in A=1 USERTRAP_REWRITE=off USERTRAP_STAT_TIME=on; do
    subject $mode chain 10 100
    holds 'calls(report) == 1000 and children == [] and root[0]["images"] == 10 and calls(report, "execve") == 9' "$mode"
    subject $mode exec 10 100
    holds 'calls(report) == 2000 and len(children) == 10' "$mode"
    holds 'all(calls(p) == 200 and p["images"] == 2 and calls(p, "execve") == 1 for p in children)' "$mode"
    subject $mode vfork-exec 10 100
    holds 'calls(root[0]) == 1000 and len(children) == 10' "$mode"
    holds 'all(calls(p) == 100 and p["images"] == 1 and p["parent"] == report["pid"] for p in children)' "$mode"
    subject $mode thread-exec 10 100
    holds 'calls(report) == 6000 and all(calls(p) == 600 and p["threads"] == 5 for p in children)' "$mode"
    subject $mode failed-exec 10 100
    holds 'calls(report) == 1000 and calls(report, "execve") == 20 and root[0]["images"] == 1' "$mode"
done
# What the threads of one program leave, those of the next one have: 5,400 threads would be too many.
subject A=1 thread-chain 600 10
holds 'calls(report) == 54_000 and report["uncounted"]["threads"] == 0 and report["threads"] == 1 + 600 * 8'
# Names are those of the programs.
LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_FORMAT=json USERTRAP_OUT=$PWD/out bash -c '/bin/true; ls >/dev/null; exec sleep 0' >said
holds 'sorted(p["name"] for p in processes) == ["ls", "sleep", "true"] and root[0]["name"] == "sleep"'
# Without an environment.
LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_FORMAT=json USERTRAP_OUT=$PWD/out env -i /bin/sh -c '/bin/true; /bin/true' >said
holds 'len(processes) == 3 and sum(p["name"] == "true" for p in processes) == 2'
