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
        ${wrapper:+-x "$gdb_script" -ex "set usertrap-library $LIB" -ex "set exec-wrapper env $wrapper${more:+ $more}"} \
        "$@" --args "${program[@]}" >"$mode.session" 2>&1 </dev/null
}
