#!/usr/bin/env bash
# Shows that sessions under gdb say the same as natively, with no setting but SIGSYS's (the script's): breakpoints on
# lines and conditions, next, step, finish, until, functions called by hand, and breakpoints on the head of a site before
# and after it was rewritten.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_session

alike "next, step, finish, until, advance" ./gdb_session 'break main' run next next next next next next step next next next finish next 'until 62' \
    'print value' 'print total' continue
alike "conditions and counts" ./gdb_session 'break 43 if i == 3' 'tbreak inline_call' 'ignore 1 0' run continue 'print i' bt delete continue
alike "a breakpoint on a site" ./gdb_session 'break *&site' run continue continue continue bt delete continue
alike "a breakpoint on a site that was rewritten" ./gdb_session 'break loop' run 'break *&site' continue continue bt 'delete' continue
alike "calling functions" ./gdb_session 'break loop' run 'print inline_call()' 'call (int)getpid() > 0' 'print (long)getppid() > 0' bt continue
finish
