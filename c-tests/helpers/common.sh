#!/usr/bin/env bash
# For the scripts here: run programs natively and under the library, and compare.
# The runner sets LIB, BIN and C_TESTS and starts each script in an empty directory.
set -u
ulimit -S -c 0
[ -n "${LIB:-}" ] || { echo "skipped: no library"; exit 77; }
failures=0

# environment_of MODE: the settings of a mode, one word each.
environment_of() {
    case $1 in
    native) ;;
    trap) echo "LD_PRELOAD=$LIB USERTRAP_REWRITE=off" ;;
    rewrite) echo "LD_PRELOAD=$LIB" ;;
    fallback) echo "LD_PRELOAD=$LIB USERTRAP_TABLE=0x40060000" ;;
    esac
}

# start_of MODE: the words before the program.
start_of() {
    case $1 in
    command) echo "$COMMAND --" ;;
    command-trap) echo "$COMMAND --trap-only --" ;;
    esac
}

# For scripts about programs that start others: set modes=$starts.
# shellcheck disable=SC2034
starts="trap rewrite${COMMAND:+ command command-trap}"

fail() {
    echo "FAIL: $*" >&2
    failures=$((failures + 1))
}

# helper NAME [FLAGS...]: builds helpers/NAME.c as ./NAME
helper() {
    local name=$1
    shift
    "${CC:-cc}" -O2 -pthread "$C_TESTS/helpers/$name.c" -o "./$name" "$@" || exit 1
}

# run MODE COMMAND...: its output in ./MODE.{out,err}, its status in $status
run() {
    local mode=$1
    shift
    # shellcheck disable=SC2046
    "${prefix[@]}" env $(environment_of "$mode") $(start_of "$mode") "$@" >"./$mode.out" 2>"./$mode.err" </dev/null
    status=$?
}
prefix=()

# same COMMAND...: the same status and standard output in all modes, behind "${prefix[@]}"; nothing on stderr
same() {
    local wanted mode
    run native "$@"
    wanted=$status
    [ "$wanted" = 77 ] && return
    for mode in ${modes:-trap rewrite fallback}; do
        run "$mode" "$@"
        if [ "$status" != "$wanted" ] || ! cmp -s native.out "$mode.out" || grep -q '^ERROR: ld.so' "$mode.err"; then
            fail "${prefix[*]} $* [$mode]: status $status, want $wanted"
            diff native.out "$mode.out" | head -5 >&2
            head -5 "$mode.err" >&2
        fi
    done
}

# works_or_says COMMAND...: as natively, or one line on stderr and an end that is no crash
works_or_says() {
    local wanted mode lines
    run native "$@"
    wanted=$status
    [ "$wanted" = 0 ] || return 0 # not even natively
    for mode in ${modes:-trap rewrite fallback}; do
        run "$mode" "$@"
        lines=$(wc -l <"$mode.err")
        [ "$status" = "$wanted" ] && cmp -s native.out "$mode.out" && [ "$lines" -le 1 ] && continue
        [ "$status" -lt 128 ] && [ "$lines" = 1 ] && [ "$status" != "$wanted" ] && continue
        fail "${prefix[*]} $* [$mode]: status $status, $lines lines on stderr"
        head -5 "$mode.err" >&2
    done
}

finish() {
    [ "$failures" = 0 ] || { echo "$failures failed" >&2; exit 1; }
    exit 0
}
