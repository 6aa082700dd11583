#!/usr/bin/env bash
# Shows that sessions under gdb say the same as natively, with no setting but SIGSYS's (the script's): breakpoints on
# lines and conditions, next, step, finish, until, functions called by hand, and breakpoints on the head of a site before
# and after it was rewritten.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_session

# What differs anyway: addresses, process numbers, how threads are announced.
normal() {
    sed -E -e 's/0x[0-9a-f]+/ADDRESS/g' -e 's/(process|LWP|Thread|pid) [0-9A-Z.]+( \(LWP [0-9]+\))?/\1 N/g' -e 's/^(\$[0-9]+ = )[0-9]{3,}$/\1N/' \
        -e '/libthread_db/d' -e '/^\[(New|Switching|Thread .* exited)/d' -e '/^warning: Error disabling address space/d' "$1"
}

# alike WHAT ARGUMENT COMMAND...: the session in all modes; it must reach its last command, `echo end\n`
alike() {
    local what=$1 argument=$2 mode commands=()
    shift 2
    for command in "$@" 'echo end\n'; do commands+=(-ex "$command"); done
    for mode in native rewrite trap; do
        session $mode ./gdb_session "$argument" -- "${commands[@]}"
        normal $mode.session >$mode.normal
        grep -q '^end$' $mode.normal || fail "$what [$mode]: the session did not come to its end"
        if ! cmp -s native.normal $mode.normal; then
            fail "$what [$mode]"
            diff native.normal $mode.normal | head -8 >&2
        fi
    done
}

alike "next, step, finish, until, advance" "" 'break main' run next next next next next next step next next next finish next 'until 62' \
    'print value' 'print total' continue
alike "conditions and counts" "" 'break 43 if i == 3' 'tbreak inline_call' 'ignore 1 0' run continue 'print i' bt delete continue
alike "a breakpoint on a site" "" 'break *&site' run continue continue continue bt delete continue
alike "a breakpoint on a site that was rewritten" "" 'break loop' run 'break *&site' continue continue bt 'delete' continue
alike "calling functions" "" 'break loop' run 'print inline_call()' 'call (int)getpid() > 0' 'print (long)getppid() > 0' bt continue
finish
