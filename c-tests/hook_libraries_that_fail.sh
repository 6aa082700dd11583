#!/usr/bin/env bash
# What a hook library can do wrong, each with one clear line: it is missing, no hook, of another version, refuses; it crashes,
# aborts, exits; it tries to make processes, to execute, to handle signals.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

expect() { [ "$1" = "$2" ] || fail "$3: got '$2', want '$1'"; }
helper hook_calls
hook=$BIN/hooks/parts.so

# fails STATUS TEXT HOOKS WORDS...: the status, and the only line that the library writes.
fails() {
    local status=$1 text=$2 hooks=$3 got=0 said
    shift 3
    { USERTRAP_HOOK=$hooks LD_PRELOAD=$LIB ./hook_calls "$@" >out 2>err || got=$?; } 2>/dev/null
    expect "$status" "$got" "status with $hooks"
    said=$(grep '^usertrap: ' err | sed -E 's/0x[0-9a-f]{4,}|0x0\b/ADDR/g; s/\+0x[0-9a-f]+/+N/g')
    expect "${text:+usertrap: $text}" "$said" "what is said of $hooks"
}

fails 125 "cannot load the hook: /nowhere/hook.so: cannot open shared object file: No such file or directory; the program is not started" /nowhere/hook.so
fails 125 "$BIN/hooks/none.so is no hook: it has no symbol usertrap_hook (see usertrap.h); the program is not started" "$BIN/hooks/none.so"
fails 125 "$BIN/hooks/old.so is for version 77 of usertrap.h, and this is version 1; compile it anew; the program is not started" "$BIN/hooks/old.so"
fails 125 "the hook $hook has refused to start (init returned 7); the program is not started" "$hook:refuse"
fails 139 "hook parts: SIGSEGV at pc ADDR (address ADDR), enter+N of $hook+ADDR" "$hook:crash" 500
fails 139 "hook parts: SIGSEGV at pc ADDR (address ADDR); its stack, of 128 KB, is full" "$hook:overflow" 500
fails 9 "the hook parts ends the process with status 9" "$hook:quick" 500
fails 134 "the hook parts tried to end the thread, which hooks cannot; it aborts" "$hook:end" 500
fails 0 "" "$hook:thread=end answer=1" 500
expect 'thread: 1' "$(grep -v ^usertrap err)" 'a thread of its own ends'
fails 139 "hook parts: SIGSEGV at pc ADDR (address ADDR), run+N of $hook+ADDR" "$hook:thread=crash" 500
fails 134 "the hook parts has aborted" "$hook:thread=abort" 500
# FS is the application's.
fails 134 "the hook ends tried to end the thread, which hooks cannot; it aborts" "$BIN/hooks/ends.so" 500
fails 134 "the hook parts has aborted" "$hook:abort" 500
fails 9 "the hook parts ends the process with status 9" "$hook:exit" 500
fails 0 "the hook parts tried to execute a program, which hooks cannot: EPERM" "$hook:exec answer=1" 500
expect 'exec: -1 Operation not permitted' "$(grep -v ^usertrap err)" exec
fails 0 "the hook parts tried to make a process, which hooks cannot: EPERM" "$hook:fork answer=1" 500
expect 'fork: -1 Operation not permitted' "$(grep -v ^usertrap err)" fork
fails 0 "" "$hook:setuid answer=1" 500
expect 'setuid: -1 Operation not permitted' "$(grep -v ^usertrap err)" setuid
fails 0 "" "$hook:sigaction answer=1" 500
expect 'sigaction: Operation not permitted' "$(grep -v ^usertrap err)" sigaction
# The first that fails ends it.
fails 125 "the hook $hook has refused to start (init returned 7); the program is not started" "$hook,$hook:refuse,/nowhere/hook.so"
finish
