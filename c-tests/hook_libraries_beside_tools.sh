#!/usr/bin/env bash
# A tool beside a hook library that sees every call: it counts and shows what it does without the library, executed programs
# too, and no call that it was not asked for.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "no command"; exit 1; }
hook=$BIN/hooks/busy.so
script='cd /; true; /bin/true; (exec /bin/true); exit 3'

# counts OPTIONS...: calls and errors by name
counts() {
    "$COMMAND" stat --json -o report "$@" -- sh -c "$script"
    [ $? = 3 ] || fail "stat $*: the status"
    python3 -c 'import json; print(*sorted((c["name"], c["calls"], c["errors"]) for c in json.load(open("report"))["calls"]), sep="\n")'
}
counts >alone
counts --hook "$hook" >beside
cmp -s alone beside || fail "stat: $(diff alone beside | head -5)"

# lines OPTIONS...: the calls that trace shows, by name and result
lines() {
    "$COMMAND" trace -o lines "$@" -- sh -c "$script"
    [ $? = 3 ] || fail "trace $*: the status"
    sed -n -E 's/^[0-9]+ +([a-z0-9_]+)\(.*( = [-?0-9].*)$/\1\2/p' lines
}
lines -e execve,chdir >alone
lines -e execve,chdir --hook "$hook" >beside
cmp -s alone beside || fail "trace: $(diff alone beside | head -5)"
[ "$(grep -c '^execve = 0' beside)" = 2 ] || fail "trace: $(cat beside)"
finish
