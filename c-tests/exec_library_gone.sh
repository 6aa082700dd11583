#!/usr/bin/env bash
# Shows that programs are executed, and interposed, when the library's file (and the command's) has been
# deleted, renamed, made unreadable or replaced since the start, by garbage or by another program.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
helper show_interposed
helper show_interposed -static
mv show_interposed show_static
helper show_interposed

# each WHAT COMMAND: by either start from a copy of the library, after COMMAND, everything is interposed.
# ld.so looks for the preloaded file in each new program and complains that it is gone: as it would natively.
each() {
    local what=$1 command=$2 start
    for start in preload ${COMMAND:+command}; do
        rm -rf copy elsewhere
        mkdir copy
        cp "$LIB" copy/libusertrap.so
        [ -n "${COMMAND:-}" ] && cp "$COMMAND" copy/usertrap
        local words=(env LD_PRELOAD="$PWD/copy/libusertrap.so")
        [ $start = command ] && words=(copy/usertrap --)
        "${words[@]}" sh -c "$command; ./show_static ./show_interposed env -i ./show_static; exec ./show_interposed sh -c ./show_interposed" >out 2>err
        status=$?
        if [ $status != 0 ] || [ "$(sort out | uniq -c | tr -s ' ')" != " 5 interposed" ]; then
            fail "$what [$start]: status $status, $(sort out | uniq -c | tr -s ' \n' '  ')"
            head -5 err >&2
        fi
    done
}

each "nothing" :
each "deleted" "rm -r copy"
each "renamed" "mv copy elsewhere"
each "unreadable" "chmod 0 copy/*"
each "replaced by garbage" "for f in copy/*; do echo garbage >new; mv new \$f; done"
each "replaced by a program" "for f in copy/*; do cp /bin/true new; mv new \$f; done"
each "replaced by an empty file" "for f in copy/*; do : >new; mv new \$f; done"
finish
