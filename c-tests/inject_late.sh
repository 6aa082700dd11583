#!/bin/bash
# A signal ends the delay of a call, and its handler runs; the call is then made, and counts once.
set -eu
fail() { echo "$*" >&2; exit 1; }
for way in "" --trap-only; do
    for field in delay_enter delay_exit delay_enter=600s:error=EIO:delay_exit; do
        # shellcheck disable=SC2086
        "$COMMAND" inject $way -o report -e "getppid:$field=600s:when=1" -- "$BIN/inject_subject" late >said
        case $field in
        *error*) printf 'signal: 14, errno 0\nlate: -1, errno 5\nthen: 99, errno 0\n' ;;
        *) printf 'signal: 14, errno 0\nlate: 99, errno 0\nthen: 99, errno 0\n' ;;
        esac >wanted
        diff wanted said || fail "$field: $(cat said)"
        grep -E -q '^ +1 +2  getppid' report || fail "$field: $(cat report)"
    done
done
