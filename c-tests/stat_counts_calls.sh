#!/bin/bash
# The stat tool counts exactly: 1,000 getppid more in a program give 1,000 more in the
# table, in every mode, for inline, register-number and libc sites.
set -eu
count() { # count MODE-ENV TIMES -> the table's number for getppid
    env $1 LD_PRELOAD="$LIB" USERTRAP_TOOL=stat USERTRAP_OUT="$PWD/out" USERTRAP_FORMAT=json "$BIN/stat_subject" calls "$2" >/dev/null
    python3 - "$PWD" <<'PY'
import glob, json, sys
total = 0
for path in glob.glob(sys.argv[1] + "/out*"):
    with open(path) as f:
        report = json.load(f)
    for call in report["calls"]:
        if call["name"] == "getppid":
            total += call["calls"]
print(total)
PY
    rm -f out*
}
for mode in "A=1" "USERTRAP_REWRITE=off" "USERTRAP_TABLE=0x40060000"; do
    none=$(count "$mode" 0)
    some=$(count "$mode" 1000)
    [ "$((some - none))" = 3000 ] || { echo "mode $mode: $((some - none)) getppid more, want 3000" >&2; exit 1; }
done
