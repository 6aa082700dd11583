# For the tests under gdb: sessions in batch mode, with the script that users load.
# shellcheck shell=bash
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
command -v gdb >/dev/null || { echo "skipped: no gdb"; exit 77; }
gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -q 1 || { echo "skipped: a gdb without Python"; exit 77; }
unset DEBUGINFOD_URLS
gdb_script=$C_TESTS/../gdb/usertrap-gdb.py

# built SOURCE [FLAGS...]: ./SUBJECT from helpers/SUBJECT.c, with debug information
built() { helper "$1" -g -O1 -mno-red-zone "${@:2}"; }

# A thread may meet bytes that another's call has rewritten that moment, and gdb would tell of it.
ours=(-ex 'python gdb.execute("handle SIGILL nostop noprint pass", to_string=True)')

# session MODE PROGRAM ARGUMENT... -- GDB-ARGUMENT...: starts the program under gdb, everything that is said goes to
# ./MODE.session; the program gets the mode's environment
# and $MORE, gdb itself does not
session() {
    local mode=$1 program=() wrapper more=${MORE:-}
    shift
    while [ "$1" != -- ]; do program+=("$1"); shift; done
    shift
    wrapper=$(environment_of "$mode")
    timeout -k 5 100 gdb -nx -batch -iex 'set auto-load no' -ex 'set width 0' -ex 'set pagination off' \
        ${wrapper:+-x "$gdb_script" -ex "set usertrap-library $LIB" -ex "set exec-wrapper env $wrapper${more:+ $more}" "${ours[@]}"} \
        "$@" --args "${program[@]}" >"$mode.session" 2>&1 </dev/null
}

# What differs anyway: addresses, process numbers, how threads are announced. $only is a pattern of the lines that count.
normal() {
    sed -E -e 's/0x[0-9a-f]+/ADDRESS/g' -e 's/(process|LWP|Thread|pid) [0-9A-Z.]+( \(LWP [0-9]+\))?/\1 N/g' -e 's/N +([0-9]+ \()/N \1/' -e 's/^(\$[0-9]+ = )[0-9]{3,}$/\1N/' \
        -e '/libthread_db/d' -e '/^warning: location number not found/d' -e '/^\[(New|Switching|Thread .* exited)/d' -e '/^warning: Error disabling address space/d' "$1" |
        grep -E "${only:-.*}"
}

# alike WHAT "PROGRAM ARGUMENT..." COMMAND...: the session in all of $modes; it must reach its last command, `echo end\n`
alike() {
    local what=$1 program mode commands=()
    read -ra program <<<"$2"
    shift 2
    for command in "$@" 'echo end\n'; do commands+=(-ex "$command"); done
    for mode in native ${modes:-rewrite trap fallback}; do
        session "$mode" "${program[@]}" -- "${commands[@]}"
        normal "$mode.session" >"$mode.normal"
        grep -q '^end$' "$mode.session" || fail "$what [$mode]: the session did not come to its end: $(tail -3 "$mode.session")"
        if ! cmp -s native.normal "$mode.normal"; then
            fail "$what [$mode]"
            diff native.normal "$mode.normal" | head -8 >&2
        fi
    done
}

# attach MODE PID GDB-ARGUMENT...: as session, to a process that was started in that mode
attach() {
    local mode=$1 pid=$2 script=(-x "$gdb_script" -ex "set usertrap-library $LIB")
    shift 2
    [ "$mode" = native ] && script=()
    timeout -k 5 100 gdb -nx -batch -iex 'set auto-load no' -ex 'set width 0' -ex 'set pagination off' "${script[@]}" -p "$pid" "$@" >"$mode.session" 2>&1 </dev/null
}
