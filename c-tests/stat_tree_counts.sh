#!/bin/bash
# arm: seccomp sud
# The counts of a tree of forked processes are exact, for the tree and for each process, in
# every mode: whether children come one after the other or together, deep, with threads, by
# vfork, or are not waited for.
# shellcheck disable=SC1091
set -eu
. "$C_TESTS/helpers/tree.sh"
for mode in A=1 USERTRAP_REWRITE=off USERTRAP_TABLE=0x40060000 USERTRAP_STAT_TIME=on; do
    for how in sequence together zombies deep; do
        subject $mode $how 50
        holds 'calls(report) == 50_000 and len(children) == 50' "$mode $how"
        holds 'all(calls(p) == 1000 and p["end"] == "exit" and p["status"] == 0 for p in children)' "$mode $how"
        holds 'calls(report, "exit_group") == 51 and all(calls(p, "exit_group") == 1 for p in processes)' "$mode $how"
    done
    subject $mode threads 10 500
    holds 'calls(report) == 45_000 and all(calls(p) == 4500 and p["threads"] == 9 for p in children)' "$mode"
    holds 'report["threads"] == 91' "$mode"
    # They count for their parent, as they have its memory.
    subject $mode vfork 20 100
    holds 'calls(report) == 2000 and children == []' "$mode"
done
subject A=1 orphans 5 100
holds 'calls(report) >= 500 and len(children) == 10 and sum(p["parent"] == report["pid"] for p in children) == 5'
# Sites are of the process that had them rewritten.
subject A=1 sequence 3
holds 'all(0 < p["sites"]["rewritten"] == p["trapped"] for p in children)'
subject USERTRAP_REWRITE=off sequence 3
holds 'all(p["trapped"] == p["total"]["calls"] for p in processes)'
