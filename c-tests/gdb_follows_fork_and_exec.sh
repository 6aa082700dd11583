#!/usr/bin/env bash
# Shows that gdb follows a fork into the child, keeps both processes, and follows an exec: breakpoints that were set
# before hold in the program after it, pending ones too, `catch exec` stops. With nothing but the script loaded.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_follow
built gdb_session

frames="source $C_TESTS/helpers/gdb_frames.py"
alike "follow-fork-mode child" "./gdb_follow fork quietly" 'set follow-fork-mode child' 'break in_child' run backtrace next next next finish continue
# The other process stands in its fork, which is our gate.
# shellcheck disable=SC2034
only='^(Thread|Breakpoint|frames|1?[0-9][[:space:]]|parent|\[Inferior|\* )'
alike "both processes" "./gdb_follow fork" 'set detach-on-fork off' 'break in_parent' "$frames" run frames 'info inferiors' 'inferior 2' \
    'break in_child' continue frames next next continue 'inferior 1' frames next next continue

# What the kernel executes is our loader.
# shellcheck disable=SC2034
only='^(Breakpoint [0-9]+, |Run till|Value|[0-9]|#|total|\[Inferior|Temporary|end)'
alike "breakpoints after an exec" "./gdb_follow exec $PWD/gdb_session" 'set breakpoint pending on' 'break main' 'break loop' 'tbreak in_child' run \
    continue backtrace next continue backtrace finish 'info breakpoints' 'delete' continue
alike "catch exec" "./gdb_follow exec $PWD/gdb_session" 'set breakpoint pending on' 'catch exec' run 'break loop' continue backtrace delete continue
grep -q "^Catchpoint 1 (exec'd " rewrite.session || fail "catch exec: $(cat rewrite.session)"
finish
