#!/usr/bin/env bash
# Under Syscall User Dispatch, which the kernel gives to no child, each call is seen of threads, of children of every
# kind, of handlers and of images, and the application's own prctl does not switch it off.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "skipped: no command"; exit 77; }
helper calls_of_all_births
"$COMMAND" --arm sud --unfit refuse -- true 2>err || { echo "skipped: $(cat err)"; exit 77; }
[ "$("$COMMAND" --arm sud -- sed -n 's/^Seccomp:[[:space:]]*//p' /proc/self/status)" = "$(sed -n 's/^Seccomp:[[:space:]]*//p' /proc/self/status)" ] ||
    fail "there is a filter"
for options in "" --trap-only "--hook $BIN/hooks/busy.so"; do
    for round in 1 2 3; do
        # shellcheck disable=SC2086
        wanted=$(timeout -k 5 60 "$COMMAND" stat --arm sud --json -o report $options -- ./calls_of_all_births)
        status=$?
        [ "$status" = 0 ] || fail "[$options, round $round] status $status"
        seen=$(python3 -c 'import json; print(sum(c["calls"] for c in json.load(open("report"))["calls"] if c["name"] == "getpgrp"))')
        [ "$seen" = "$wanted" ] || fail "[$options, round $round] $seen calls seen, want $wanted"
        rm -f report
    done
done
finish
