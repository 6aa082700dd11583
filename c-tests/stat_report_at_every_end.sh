#!/bin/bash
# One report, and one only, comes at return from main, _exit, exit_group by a thread,
# and when the last thread ends; forked children write none.
set -eu
fail() { echo "$*" >&2; exit 1; }
for how in return _exit raw-exit group last; do
    rm -f out*
    status=0
    LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_FORMAT=json USERTRAP_OUT=$PWD/out "$BIN/stat_subject" "$how" || status=$?
    [ "$how" = group ] && want=3 || want=0
    [ "$status" = "$want" ] || fail "$how: status $status, want $want"
    [ "$(cat out* | grep -c '"getppid"')" = 1 ] || fail "$how: $(cat out* | grep -c getppid) reports"
    for file in out*; do python3 -m json.tool "$file" >/dev/null || fail "$how: json does not parse"; done
done
rm -f out*
# The children are in their parent's.
pids=$(LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_FORMAT=json "$BIN/stat_subject" fork 2>err) || fail "fork: status $?"
[ "$(wc -w <<<"$pids")" = 4 ] || fail "fork: pids: $pids"
for pid in $pids; do grep -q "\"pid\": *$pid\b" err || fail "fork: no $pid in the report: $(head -c 300 err)"; done
[ "$(wc -l <err)" = 1 ] || fail "fork: $(wc -l <err) reports, want 1"
