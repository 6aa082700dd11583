#!/usr/bin/env bash
# A policy beside a hook library: it binds the program and not the hook, by whatever way that calls, and takes nothing away
# that the program has registered.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "no command"; exit 1; }
helper policy_and_hooks
printf 'deny EACCES socket\ndeny EPERM get_robust_list if low0 == 0\n' >rules
said=$("$COMMAND" policy -o report --hook "$BIN/hooks/sockets.so" rules -- ./policy_and_hooks 2>&1)
[ "$said" = 'hook: 0, own: -13, list: kept' ] || fail "got '$said'"
finish
