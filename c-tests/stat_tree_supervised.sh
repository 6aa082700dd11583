#!/bin/bash
# With USERTRAP_SUPERVISE=on the object, executed as a program, stays behind and reports when
# the last process of the tree has ended, orphans included; it ends as the program did.
# shellcheck disable=SC1091
set -eu
. "$C_TESTS/helpers/tree.sh"
chmod +x "$LIB" 2>/dev/null || true
supervised() { # supervised WANTED-STATUS PROGRAM ARGV...
    local want=$1 status=0
    shift
    rm -f out
    "$LIB" USERTRAP_TOOL=stat USERTRAP_SUPERVISE=on USERTRAP_FORMAT=json USERTRAP_OUT="$PWD/out" -- "$@" >said 2>err || status=$?
    [ "$status" = "$want" ] || fail "$*: status $status, want $want: $(head -c 300 err)"
}
subject=$BIN/stat_tree_subject
supervised 0 "$subject" "$subject" sequence 10 100
holds 'calls(report) == 1000 and len(children) == 10 and report["pid"] == root[0]["pid"]'
# One that outlives the program is waited for.
supervised 0 "$subject" "$subject" runs 1 1000
holds 'calls(report) == 2000 and children[0]["end"] == "exit"'
supervised 7 /bin/bash bash -c '(sleep 0.3; /bin/true) & (setsid sleep 0.4 &) ; exit 7'
holds 'sum(p["name"] in ("sleep", "true") for p in processes) >= 3 and all(p["end"] == "exit" for p in processes)'
# shellcheck disable=SC2016
supervised 143 /bin/bash bash -c 'kill -TERM $$'
holds 'root[0]["end"] == "killed"'
# shellcheck disable=SC2016
supervised 137 /bin/bash bash -c 'kill -KILL $$'
supervised 127 /nowhere x
[ ! -s out ] || fail "a report of nothing"
# SIGCHLD may be ignored from the start; the program finds it so.
(trap '' CHLD; supervised 5 /bin/bash bash -c 'grep -q "^SigIgn:.*1....$" /proc/self/status || exit 6; exit 5')
# A signal for us is one for the program; a second one does not wait for what it left.
"$LIB" USERTRAP_TOOL=stat USERTRAP_SUPERVISE=on USERTRAP_FORMAT=json USERTRAP_OUT="$PWD/out" -- \
    /bin/bash bash -c 'trap "exit 9" TERM; setsid sleep 20 >/dev/null 2>&1 & echo ready; wait' >said 2>err &
pid=$!
until grep -q ready said; do sleep 0.05; done
kill -TERM $pid
sleep 0.5
kill -0 $pid || fail "did not wait"
kill -TERM $pid
status=0
wait $pid || status=$?
[ "$status" = 9 ] || fail "status $status, want 9"
holds 'sorted(p["end"] for p in processes) == ["exit", "running"]'
pkill -KILL -s "$(python3 -c 'import json; print([p["pid"] for p in json.load(open("out"))["processes"] if p["end"] == "running"][0])')" || true
