#!/bin/bash
# `trace -c` counts the calls and errors that `strace -c` counts, in its form. Skipped where strace may not trace.
set -eu
strace -o /dev/null true 2>/dev/null || { echo "strace cannot trace here"; exit 77; }
# Of all rows what does not depend on time; the tool begins behind the first execve.
rows() { sed 's/^.\{31\}//; s/^  *//' "$1" | grep -v ' execve$\| total$'; }
mkdir theirs_dir ours_dir
(cd theirs_dir && strace -f -c -w -S name -o ../theirs "$BIN/trace_subject" files </dev/null)
(cd ours_dir && "$COMMAND" trace -c -S name -o ../ours -- "$BIN/trace_subject" files </dev/null)
diff <(rows theirs) <(rows ours) >&2
[ "$(head -2 ours)" = "$(head -2 theirs)" ]
grep -q '^100\.00 ' ours
# A process that is killed is counted up to its last call, and children too; -C has the lines as well.
"$COMMAND" trace -C -e getppid -o ours -- "$BIN/trace_subject" killed 1000 4 2>/dev/null || :
[ "$(grep -c 'getppid()  *= \|getppid resumed>)' ours)" = 5000 ]
grep -q '^100\.00 .* 5000  *getppid$' ours
[ "$(grep -c '^100\.00 ' ours)" = 2 ]
