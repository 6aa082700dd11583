#!/usr/bin/env bash
# arm: seccomp sud
# What a hook calls is made, or refused, by whatever way it asks: libc's functions and syscall(), the services, code made at
# run time, clocks that the vDSO leaves to the kernel; while it starts, in calls, in new threads, in threads of its own.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

helper hook_calls
for rewrite in on off; do
    said=$(USERTRAP_HOOK=$BIN/hooks/ways.so USERTRAP_REWRITE=$rewrite LD_PRELOAD=$LIB ./hook_calls 500 501 thread 500 2>err | paste -sd' ')
    [ "$said" = '500: 0 501: 0 thread: 0 500: 0' ] || fail "rewrite $rewrite: got '$said': $(grep -v tried err | head -5)"
done
grep -q 'the hook ways tried to make a process, which hooks cannot: EPERM' err || fail "no line: $(head -3 err)"
finish
