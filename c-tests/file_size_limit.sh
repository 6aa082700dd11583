#!/usr/bin/env bash
# A limit on the size of files is meant for the program's: it starts under one, finds it as it was, and
# where it cannot be raised for our own file it is no death by SIGXFSZ.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
ulimit -S -f 1
[ "$(LD_PRELOAD=$LIB sh -c 'ulimit -S -f; /bin/echo started')" = "$(sh -c 'ulimit -S -f; /bin/echo started')" ] || fail "preloaded, soft limit"
if [ -n "$COMMAND" ]; then
    [ "$("$COMMAND" stat -o /dev/null -- /bin/echo started)" = started ] || fail "the command, soft limit"
fi
[ "$(ulimit -H -f 1; LD_PRELOAD=$LIB /bin/echo started 2>err)" = started ] || fail "preloaded, hard limit"
finish
