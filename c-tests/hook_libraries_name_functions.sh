#!/usr/bin/env bash
# A hook learns the names of functions: by the file's full table of symbols, by the dynamic one where it is stripped, by
# neither where there is none; in C and in Rust.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "no command"; exit 1; }

# names PROGRAM: what the hook prints, without the offsets
names() { "$COMMAND" --hook "$BIN/hooks/symbols.so" "$1" | sed -E 's/\+0x[0-9a-f]+$//' | paste -sd,; }
expect() { [ "$1" = "$2" ] || fail "$3: got '$2', want '$1'"; }

rest=',the hook: enter,nowhere: ,the stack: '
helper named
expect "site: syscall,caller: calls_it$rest" "$(names ./named)" "a program with symbols"
strip named
expect "site: syscall,caller: $rest" "$(names ./named)" "a stripped one"
helper named -rdynamic
strip named
expect "site: syscall,caller: calls_it$rest" "$(names ./named)" "a stripped one that exports its functions"
helper named -static
expect "site: syscall,caller: calls_it$rest" "$(names ./named)" "a static one"
rm named
helper named
site=$(nm named | awk '$3 == "calls_it" { print $1 }')
expect "calls_it+0x3" "$("$COMMAND" --hook "$BIN/hooks/symbols.so:$(printf %x $((0x$site + 3 + 0x555555554000)))" setarch -R ./named | sed -n 's/^other: //p')" "an offset"

hook=$EXAMPLES/libcallers.so
[ -r "$hook" ] || { echo "no $hook: make examples"; exit 1; }
"$COMMAND" --hook "$hook" ./named 2>said
grep -q '^ *1 syscall_500 calls_it$' said || fail "in Rust: $(head -5 said)"
finish
