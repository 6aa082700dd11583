#!/bin/bash
# One report for the tree, by its first process, with what still runs marked and counted so
# far; as text a table of the processes follows the calls.
# shellcheck disable=SC1091
set -eu
. "$C_TESTS/helpers/tree.sh"
subject A=1 runs 1 1000
holds 'calls(report) == 1000 and children[0]["end"] == "running" and root[0]["end"] == "exit"'
sleep 1.2
holds 'calls(report) == 1000' "after the child has ended"
for settings in A=1 USERTRAP_FORMAT=text; do
    env $settings LD_PRELOAD="$LIB" USERTRAP_TOOL=stat "$BIN/stat_tree_subject" sequence 20 100 2>err
    [ "$(grep -c 'usertrap stat: pid [0-9]*, 21 processes' err)" = 1 ] || fail "no head: $(head -3 err)"
done
[ "$(grep -c 'exit 0 *stat_tree_subje$' err)" = 21 ] || fail "no lines of processes: $(tail -25 err)"
grep -q '^ *2000 .* getppid$' err || fail "no total: $(head -5 err)"
# The lines are sorted by calls, and there are not too many of them.
LD_PRELOAD=$LIB USERTRAP_TOOL=stat "$BIN/stat_tree_subject" sequence 300 10 2>err
lines=$(sed -n '/by the trap *sites/,$p' err | sed 1d)
[ "$(wc -l <<<"$lines")" = 257 ] || fail "$(wc -l <<<"$lines") lines"
grep -q '(45 more)$' <<<"$lines" || fail "no last line: $(tail -1 <<<"$lines")"
sort -c -s -k1,1nr <(head -256 <<<"$lines") || fail "not sorted"
# A single process has no table.
LD_PRELOAD=$LIB USERTRAP_TOOL=stat "$BIN/stat_tree_subject" sequence 0 2>err
! grep -q processes err && ! grep -q 'exit 0' err || fail "a table of one process"
