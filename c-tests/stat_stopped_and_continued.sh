#!/usr/bin/env bash
# A program that is stopped and continued by itself goes on under `usertrap stat`, and its end is seen.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
[ -n "$COMMAND" ] || { echo "needs the command"; exit 77; }
# shellcheck disable=SC2016
timeout -s KILL 20 "$COMMAND" stat -o report -- sh -c '(sleep 0.3; kill -CONT $$) & kill -STOP $$; echo back; exit 7' >said
status=$?
[ "$status" = 7 ] || fail "status $status"
[ "$(<said)" = back ] || fail "it said $(<said)"
grep -q . report || fail "no report"
finish
