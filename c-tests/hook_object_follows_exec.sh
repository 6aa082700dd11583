#!/usr/bin/env bash
# Shows that an object with a hook of its own (examples/hook_answer.rs: getpid is 4242) serves what is executed, too,
# by both starts, and that nobody is told otherwise.
# shellcheck disable=SC1091,SC2034
. "$C_TESTS/helpers/common.sh"
hook=$EXAMPLES/libhook_answer.so
[ -r "$hook" ] || { echo "no $hook: make examples"; exit 1; }
cat >pid.c <<'END'
#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\n", getpid()); }
END
"${CC:-cc}" -O2 pid.c -o pid && "${CC:-cc}" -O2 -static pid.c -o pid.static || exit 1
said=$(env LD_PRELOAD="$hook" bash -c './pid; ./pid.static; env -i ./pid' 2>&1)
[ "$said" = $'4242\n4242\n4242' ] || fail "preloaded: $said"
if [ -n "${COMMAND:-}" ]; then
    said=$("$COMMAND" --library "$hook" bash -c './pid; ./pid.static; env -i ./pid' 2>&1)
    [ "$said" = $'4242\n4242\n4242' ] || fail "command: $said"
fi
finish
