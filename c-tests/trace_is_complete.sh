#!/bin/bash
# However a process ends, its trace has every call that it has made, in the order of time: also where it
# makes many more than its ring holds, and for children.
set -eu
calls() { grep -c 'getppid()  *= \|getppid resumed>)' out || :; }
trace() { # trace WANTED STATUS SUBJECT-ARGUMENTS...
    local wanted=$1 status=0
    "$COMMAND" trace -o out -- "$BIN/trace_subject" "${@:3}" 2>/dev/null || status=$?
    [ "$status" = "$2" ] || { echo "${*:3}: status $status, want $2" >&2; exit 1; }
    [ "$(calls)" = "$wanted" ] || { echo "${*:3}: $(calls) calls, want $wanted" >&2; exit 1; }
    ! grep -q 'lost' out
}
has() { grep -q -- "$1" out || { echo "no line: $1" >&2; tail -5 out >&2; exit 1; }; }
trace 5 0 return 5
has '+++ exited with 0 +++'
trace 5 137 killed 5
has '+++ killed by SIGKILL +++'
trace 50000 137 killed 50000
trace 50000 139 crash 50000
has '+++ killed by SIGSEGV'
trace 25000 0 return 5000 4
[ "$(grep -c '+++ exited with 0 +++' out)" = 5 ]
trace 25000 137 killed 5000 4
trace 400 0 threads
[ "$(grep -c '+++ exited with 0 +++' out)" = 5 ]
# Without the command the first process waits until all is written.
for mode in A=1 USERTRAP_REWRITE=off; do
    env "$mode" LD_PRELOAD="$LIB" USERTRAP_TOOL=trace USERTRAP_OUT="$PWD/out" "$BIN/trace_subject" return 5000
    [ "$(calls)" = 5000 ] || { echo "preloaded: $(calls) calls, want 5000" >&2; exit 1; }
    has '+++ exited with 0 +++'
done
# Times do not go back.
"$COMMAND" trace -ttt -o out -- "$BIN/trace_subject" threads
awk '$2 ~ /^[0-9.]+$/ { if ($2 < last) { print "goes back: " $0; exit 1 } last = $2 }' out >&2
# What is not selected is not shown.
"$COMMAND" trace -e trace=getppid -o out -- "$BIN/trace_subject" return 7
[ "$(grep -vc 'getppid()\|+++ exited' out)" = 0 ] && [ "$(calls)" = 7 ]
