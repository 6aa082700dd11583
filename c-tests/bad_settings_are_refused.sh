#!/bin/bash
# A value that a setting does not have gives one clear line on stderr which names the
# setting and the valid values; good values give none.
set -eu
fail() { echo "$*" >&2; exit 1; }
check() { # check NAME VALUE WORD...: the line names NAME and each WORD
    local name=$1 value=$2 word lines
    shift 2
    env "$name=$value" LD_PRELOAD="$LIB" "$BIN/stat_subject" 2>err >out || true
    lines=$(wc -l <err)
    [ "$lines" = 1 ] || fail "$name=$value: $lines lines: $(head -3 err)"
    for word in "$name" "$@"; do grep -q -F -- "$word" err || fail "$name=$value: no $word in: $(cat err)"; done
}
check USERTRAP_TOOL nonsense none stat
check USERTRAP_TOOL STAT none stat
check USERTRAP_FORMAT xml text json
check USERTRAP_REWRITE maybe on lazy off
check USERTRAP_LOG loud off error warn info debug
check USERTRAP_UNFIT die run refuse
check USERTRAP_TABLE banana 0x
check USERTRAP_TABLE 0xffffffffffff 0x
check USERTRAP_STAT_TIME 1 on off
for good in USERTRAP_TOOL=none USERTRAP_FORMAT=json USERTRAP_FORMAT=text USERTRAP_REWRITE=on USERTRAP_REWRITE=lazy USERTRAP_REWRITE=off \
    USERTRAP_LOG=off USERTRAP_LOG=error USERTRAP_UNFIT=run USERTRAP_UNFIT=refuse USERTRAP_STAT_TIME=off USERTRAP_STAT_TIME=on; do
    env "$good" LD_PRELOAD="$LIB" "$BIN/stat_subject" 2>err >out || fail "$good: status $?"
    [ "$(cat out)" = ok ] || fail "$good: output $(cat out)"
    [ ! -s err ] || fail "$good: $(cat err)"
done
