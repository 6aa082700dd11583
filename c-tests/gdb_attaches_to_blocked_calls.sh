#!/usr/bin/env bash
# Shows that gdb attaches to a process that waits in a call, again and again, names the functions that wait, calls
# functions of the program and of libc meanwhile, which make calls of their own, and detaches; the call goes on and
# gets its result, with a hook (stat) as without, beside a thread that makes calls, too.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_attach
frames="source $C_TESTS/helpers/gdb_frames.py"

# start MODE ARGUMENT...: ./gdb_attach as $pid, which reads from descriptor 7
start() {
    local mode=$1 more=""
    shift
    [ "$mode" = stat ] && more="LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_OUT=/dev/null"
    rm -f feed
    mkfifo feed
    # shellcheck disable=SC2046
    env $more $(environment_of "$mode") $(start_of "$mode") ./gdb_attach "$@" <feed >"$mode.said" 2>&1 7>&- &
    pid=$!
    exec 7>feed
}

# waits: until the main thread waits for a byte
waits() {
    local line
    for _ in {1..3000}; do
        [ -r "/proc/$pid/syscall" ] && read -r line <"/proc/$pid/syscall" 2>/dev/null && [[ $line == "0 0x0 "* ]] && return
        sleep 0.01
    done
    fail "the program does not wait"
}

for mode in native rewrite trap fallback stat ${COMMAND:+command}; do
    for kind in "" threads; do
        start $mode $kind
        for round in 1 2; do
            waits
            # A function's calls come from other sites than the read.
            attach $mode "$pid" -ex "$frames" -ex frames -ex 'print rounds' -ex 'print (int)puts("x") > 0' -ex 'print (long)getppid() > 0' \
                -ex 'print waits(-1, 0)' -ex frames -ex detach
            # gdb 13 on a CPU with AMX.
            if [ $mode = native ] && grep -q "^Couldn't write extended state" native.session; then
                exec 7>&-
                wait "$pid"
                echo "skipped: natively, gdb cannot call functions here"
                exit 77
            fi
            grep -E '^(\$|frames)' $mode.session | sed 's/ __libc_start_call_main.*//' >$mode.$kind.$round
            [ -s $mode.$kind.$round ] || fail "$mode $kind: $(tail -3 $mode.session)"
            cmp -s native.$kind.$round $mode.$kind.$round || fail "$mode $kind, round $round: $(diff native.$kind.$round $mode.$kind.$round)"
            printf %s $round >&7
        done
        exec 7>&-
        wait "$pid"
        status=$?
        [ $status = 0 ] || fail "$mode $kind: status $status"
        mv $mode.said $mode.said.$kind
        cmp -s native.said.$kind $mode.said.$kind || fail "$mode $kind: $(diff native.said.$kind $mode.said.$kind)"
    done
done
[ "$(tail -1 native.said.threads)" = "rounds 2" ] || fail "natively: $(cat native.said.threads)"
finish
