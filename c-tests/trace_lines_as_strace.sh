#!/bin/bash
# What the trace tool writes is what strace writes: the same calls with the same text, but for what
# helpers/compare_traces.py leaves out. Skipped where strace may not trace.
# timeout: 300
set -eu
strace -o /dev/null true 2>/dev/null || { echo "strace cannot trace here"; exit 77; }
failed=0
compare() { # compare PROGRAM [ARGS...]
    for tool in strace ours; do
        rm -rf work && mkdir work
        case $tool in
        strace) (cd work && strace -f -o ../strace "$@" </dev/null >/dev/null 2>&1) || : ;;
        ours) (cd work && "$COMMAND" trace -o ../ours -- "$@" </dev/null >/dev/null 2>&1) || : ;;
        esac
    done
    python3 "$C_TESTS/helpers/compare_traces.py" strace ours || { echo "differs: $*" >&2; failed=1; }
}
for part in files waits sockets processes; do compare "$BIN/trace_subject" $part; done
compare /bin/true
compare /bin/ls -l /usr
compare /bin/cat /etc/passwd /nonexistent
compare /usr/bin/find /usr/share/perl5 -name '*.pm'
compare /usr/bin/sort /etc/passwd
compare /bin/dd if=/dev/zero of=file bs=512 count=20 status=none
compare /bin/mkdir -p a/b/c
compare /bin/tar cf t.tar /etc/apt
for test in exec_relative_to_directory mask_in_place errno_bounds heap_by_brk; do
    compare "$BIN/$test"
done
exit $failed
