#!/usr/bin/env bash
# Hook libraries answer calls, change arguments and results, alone and several in their order; in threads, children, static
# programs and images that are executed with an empty environment; preloaded and started by the command.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

expect() { [ "$1" = "$2" ] || fail "$3: got '$2', want '$1'"; }
helper hook_calls -static
mv hook_calls hook_calls.static
helper hook_calls
hook=$BIN/hooks/parts.so
# A library that is named twice is loaded once.
for copy in a b c; do cp "$hook" $copy.so; done

# calls HOOKS WORDS...: what the program prints, joined; the same when preloaded, by the command, statically, in a child.
calls() {
    local hooks=$1 preloaded
    shift
    preloaded=$(USERTRAP_HOOK=$hooks LD_PRELOAD=$LIB ./hook_calls "$@" | paste -sd' ')
    echo "$preloaded"
    [ -n "$COMMAND" ] || return 0
    for program in ./hook_calls ./hook_calls.static; do
        expect "$preloaded" "$(USERTRAP_HOOK=$hooks "$COMMAND" $program "$@" | paste -sd' ')" "$program $*"
        expect "$preloaded" "$(USERTRAP_HOOK=$hooks "$COMMAND" env -i $program "$@" | paste -sd' ')" "env -i $program $*"
        expect "$preloaded" "$(USERTRAP_HOOK=$hooks USERTRAP_REWRITE=off "$COMMAND" $program "$@" | paste -sd' ')" "trap only"
    done
}

none='500: -1 Function not implemented'
expect "$none" "$(calls "$hook" 500)" "a hook that lets all pass"
expect '500: 47' "$(calls "$hook:answer=42" 500)" "an answer"
expect '500: 142' "$(calls "$hook:answer=42 arg0=100" 500)" "an argument, as the hook itself has changed it"
expect "500: 47 501: -1 Function not implemented" "$(calls "$hook:wants=500 answer=42" 500 501)" "a number of its own"
expect '500: -1 Invalid argument' "$(calls "$hook:answer=-27" 500)" "an error"
# The first sees a call first, and a result last; who answers hides the call from those behind.
expect '500: 49' "$(calls "./a.so:add=7,./b.so:answer=37" 500)" "the first sees the second's answer"
expect '500: 42' "$(calls "./a.so:answer=37,./b.so:answer=90" 500)" "the second sees no answered call"
expect '500: 107' "$(calls "./a.so:arg0=100,./b.so:answer=7" 500)" "the second sees the first's arguments"
expect '500: 1037' "$(calls "./a.so:add=1000,./b.so:wants=500 answer=32,./c.so:answer=1" 500)" "three"
expect "500: -1 Function not implemented" "$(calls "$BIN/hooks/ticker.so" 503 | sed s/503/500/)" "a number that is not wanted"
expect '500: 47 thread: 47 501: 47' "$(calls "$hook:answer=42" 500 fork thread 501)" "threads, and after a fork"
expect '500: -1 No locks available' "$(calls "$hook:add=1" 500)" "a result that the kernel has given"
expect "exec: Operation not permitted" "$(calls "$hook:veto" exec 2>/dev/null)" "an exec that is vetoed"
expect "child: yes" "$(USERTRAP_HOOK="$hook:fork=no child=yes" LD_PRELOAD=$LIB ./hook_calls fork 2>&1)" "fork_child, in the child"
expect "usertrap: parts: hello" "$(USERTRAP_HOOK="$hook:answer=1 log=hello" LD_PRELOAD=$LIB ./hook_calls 500 2>&1 >/dev/null)" "a line"
expect "fini: b,fini: a" "$(USERTRAP_HOOK="./a.so:fini=a,./b.so:fini=b" LD_PRELOAD=$LIB ./hook_calls 2>&1 | paste -sd,)" "fini, in the reverse order"
# Relative paths are from the first directory, whatever the program's is.
cp "$hook" here.so
expect '500: 47' "$(USERTRAP_HOOK=./here.so:answer=42 LD_PRELOAD=$LIB sh -c 'program=$PWD/hook_calls; cd / && "$program" 500')" "a relative path"
finish
