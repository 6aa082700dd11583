#!/bin/bash
# A call, a signal or an option of -e that there is not is told in one line, and nothing is started; so is a file of
# rules that cannot be read, by its name. A verb that is misspelt is told, too.
set -eu
fail() { echo "$*" >&2; exit 1; }
check() { # check STATUS WORDS ARGUMENTS...: the line has these words
    local wanted=$1 words=$2 status=0
    shift 2
    "$COMMAND" "$@" /bin/echo started >out 2>err || status=$?
    [ "$status" = "$wanted" ] || fail "$*: status $status"
    [ ! -s out ] || fail "$*: started"
    grep -q -F -- "$words" err || fail "$*: no '$words' in $(cat err)"
}
line() { check "$@"; [ "$(wc -l <err)" = 1 ] || fail "$*: $(cat err)"; }
line 125 "trace: there is no system call typo" trace -e typo
line 125 "trace: there is no system call nosuch" trace -e trace=read,nosuch
line 125 "trace: there is no signal foo" trace -e signal=foo
line 125 "trace: there is no signal 65" trace -e read -e 'signal=!65'
line 125 "trace: there is no system call typo" trace --unfit=run -o file -e typo
check 125 "valid: trace=SET and signal=SET" trace -e verbose=all
check 125 "that is what \`usertrap inject\` does" trace -e fault=read
line 127 "statt: No such file or directory; is \`usertrap stat\` meant?" statt
line 125 "policy: ./no/rules cannot be read: No such file or directory" policy ./no/rules
# Without the command USERTRAP_UNFIT says what becomes of the program.
LD_PRELOAD=$LIB USERTRAP_TOOL=trace USERTRAP_TRACE_SIGNALS=foo /bin/echo started >out 2>err
[ "$(cat out)" = started ] && [ "$(wc -l <err)" = 1 ] || fail "preloaded: $(cat err)"
