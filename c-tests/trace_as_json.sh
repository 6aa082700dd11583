#!/bin/bash
# The trace as JSON lines and as Chrome's trace events: every call with its arguments and times, whole and valid
# also where a signal ends the program, and for threads and children.
set -eu
for form in json perfetto; do
    trace() { # trace CALLS STATUS END SUBJECT-ARGUMENTS...
        local status=0
        "$COMMAND" trace "--format=$form" -o out -- "$BIN/trace_subject" "${@:4}" 2>/dev/null || status=$?
        [ "$status" = "$2" ] || { echo "${*:4}: status $status, want $2" >&2; exit 1; }
        python3 "$C_TESTS/helpers/check_json_trace.py" "$form" out "$1" "$3" || { echo "$form: ${*:4}" >&2; exit 1; }
    }
    trace 5 0 'exited with 0' return 5
    trace 20000 137 'killed by SIGKILL' killed 20000
    trace 5000 137 'killed by SIGKILL' killed 1000 4
    trace 5 139 'killed by SIGSEGV' crash 5
    trace 400 0 'exited with 0' threads
    # Without the command the first process waits until all calls are written; the end of the array comes after it.
    env LD_PRELOAD="$LIB" USERTRAP_TOOL=trace "USERTRAP_FORMAT=$form" USERTRAP_OUT="$PWD/out" \
        "$BIN/trace_subject" return 5000
    if [ "$form" = perfetto ]; then until grep -q '^\]' out; do sleep 0.05; done; fi
    python3 "$C_TESTS/helpers/check_json_trace.py" "$form" out 5000
    # A program is found in one object with the call that has executed it.
    "$COMMAND" trace "--format=$form" -e execve -o out -- sh -c 'exec true it is'
    [ "$(grep -c '"name":"execve".*\\"it\\".*"result":0' out)" = 1 ]
    # What is not selected is not there.
    "$COMMAND" trace "--format=$form" -e getppid -o out -- "$BIN/trace_subject" return 7
    [ "$(grep -c '"args":\[\]' out)" = 7 ] && ! grep -q '"name":"\(mmap\|prctl\|exit_group\)"' out
done
# One form is no other tool's.
! LD_PRELOAD="$LIB" USERTRAP_TOOL=stat USERTRAP_FORMAT=perfetto USERTRAP_UNFIT=refuse /bin/true 2>err
grep -q 'USERTRAP_FORMAT=perfetto is not known; valid: text, json' err
