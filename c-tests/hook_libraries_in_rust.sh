#!/usr/bin/env bash
# Hooks in Rust with the standard library: one answers, one counts opened files by path in all processes of a tree and
# writes them to a file; what init refuses is told.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"

expect() { [ "$1" = "$2" ] || fail "$3: got '$2', want '$1'"; }

for hook in one_user opens; do
    [ -r "$EXAMPLES/lib$hook.so" ] || { echo "no $EXAMPLES/lib$hook.so: make examples"; exit 1; }
done
[ -n "$COMMAND" ] || { echo "no command"; exit 1; }

expect 1000 "$("$COMMAND" --hook "$EXAMPLES/libone_user.so" id -u)" "an answer"
expect "$(id -g)" "$("$COMMAND" --hook "$EXAMPLES/libone_user.so" id -g)" "a call that the hook does not want"

echo something >read.txt
opens=$EXAMPLES/libopens.so:$PWD/opened.txt
"$COMMAND" --hook "$opens" bash -c 'cat read.txt >/dev/null; cat read.txt read.txt | cat >/dev/null; (: <read.txt)'
expect 4 "$(awk '$2 == "read.txt" { sum += $1 } END { print sum }' opened.txt)" "opens of a file in five processes"

said=$("$COMMAND" --hook "$EXAMPLES/libopens.so" true 2>&1)
expect 125 $? "the status when init refuses"
expect "usertrap: opens: say where to: --hook libopens.so:/path/to/FILE" "$(head -1 <<<"$said")" "why init refuses"
finish
