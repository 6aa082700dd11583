#!/usr/bin/env bash
# A policy denies each number wherever the call comes from: sites of all kinds, threads, children, handlers, fresh code, under
# a filter and a dispatcher of the program's own, where GS is in use, over an exec; other ABIs get ENOSYS.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "no command"; exit 1; }
helper policy_places
helper policy_places -static
mv policy_places policy_places.static
helper policy_places
echo "deny 77 all if low5 == 0x7ab5c0de" >rules
for place in site libc thread handler 'fresh code' fork vfork 'clone with CLONE_VM' 'own filter' dispatcher 'GS in use'; do
    echo "$place: denied"
done >wanted
printf 'int80: -38\nx32: -38\nsite: denied\n' >>wanted
for hook in '' "--hook $BIN/hooks/busy.so"; do
    for program in ./policy_places ./policy_places.static; do
        # shellcheck disable=SC2086 # words
        "$COMMAND" policy -o report $hook rules -- $program >out 2>err || fail "$program $hook: status $?: $(head -3 err)"
        diff wanted out >&2 || fail "$program $hook"
    done
done
finish
