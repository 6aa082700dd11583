#!/bin/bash
# The text report is a table sorted by calls with names and numbers, followed by the
# sites; with USERTRAP_STAT_TIME=on the json has times as well.
set -eu
fail() { echo "$*" >&2; exit 1; }
LD_PRELOAD=$LIB USERTRAP_TOOL=stat "$BIN/stat_subject" calls 5000 2>err
grep -q -w getppid err || fail "no getppid: $(head -5 err)"
# getppid is the most frequent call by far: it comes before all others.
first=$(grep -n -w getppid err | head -1 | cut -d: -f1)
other=$(grep -n -w -E 'mmap|exit_group|munmap|write' err | head -1 | cut -d: -f1)
[ -z "$other" ] || [ "$first" -lt "$other" ] || fail "not sorted by calls"
grep -q -w 15000 err || fail "no 15000 in the table"
grep -i -q rewritten err || fail "no line on sites"
LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_FORMAT=json USERTRAP_STAT_TIME=on USERTRAP_OUT=$PWD/out "$BIN/stat_subject" calls 5000
cat out* | python3 -c '
import json, sys
report = json.load(sys.stdin)
for call in report["calls"]:
    if call["name"] == "getppid":
        keys = [k for k in call if "p50" in k] + [k for k in call if "p99" in k]
        assert len(keys) == 2, call
        break
else:
    raise SystemExit("no getppid")
'
