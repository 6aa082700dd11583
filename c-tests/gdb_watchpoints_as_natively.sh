#!/usr/bin/env bash
# Shows that hardware and software watchpoints of gdb trigger as natively, with the same values and source lines: what is
# watched changes by instructions between calls, and by a call; a software watchpoint steps through everything of ours,
# the rewrite of a site included.
# timeout: 400
# shellcheck disable=SC1091
. "$C_TESTS/helpers/gdb.sh"
built gdb_watch
# shellcheck disable=SC2034
modes="rewrite trap"

hits() { for ((i = 0; i < $1; i++)); do echo continue; done; }
mapfile -t every < <(hits 8)
mapfile -t three < <(hits 3)
frames="source $C_TESTS/helpers/gdb_frames.py"

alike "a hardware watchpoint" ./gdb_watch 'break loop' run 'watch watched' "${every[@]:0:7}" backtrace 'info watchpoints' 'delete' continue
alike "one with a condition" ./gdb_watch 'break loop' run 'watch watched if watched > 5' continue backtrace continue delete continue
alike "one that is read" ./gdb_watch 'break warm' run 'awatch watched' "${every[@]:0:4}" backtrace delete continue
alike "a software watchpoint" ./gdb_watch 'set can-use-hw-watchpoints 0' 'break loop' run 'watch watched' "${three[@]}" backtrace delete continue

# The kernel's writes: natively seen behind the `syscall`, here at the gate's.
# shellcheck disable=SC2034
only='^(Old|New|Watchpoint|frames|watched)'
alike "a software watchpoint on what a call writes" ./gdb_watch 'set can-use-hw-watchpoints 0' 'break warm' run 'watch filled[0]' "$frames" \
    continue frames continue frames delete continue
finish
