#!/bin/bash
# What the trace tool writes is what strace writes: the same calls with the same text, but for what
# helpers/compare_traces.py leaves out. When a child's death is told is chance, natively too: a difference
# counts if three pairs of runs show one. Skipped where strace may not trace.
# timeout: 300
set -eu
strace -o /dev/null true 2>/dev/null || { echo "strace cannot trace here"; exit 77; }
failed=0
options=()
traces() { # traces PROGRAM [ARGS...]: strace's to the file strace, ours to the file ours
    for tool in strace ours; do
        rm -rf work && mkdir work && cp /etc/passwd work
        case $tool in
        strace) (cd work && strace "${options[@]}" -f -o ../strace "$@" </dev/null >/dev/null 2>&1) || : ;;
        ours) (cd work && "$COMMAND" trace "${options[@]}" -o ../ours -- "$@" </dev/null >/dev/null 2>&1) || : ;;
        esac
    done
}
compare() { # compare PROGRAM [ARGS...]
    for _ in 1 2 3; do
        traces "$@"
        python3 "$C_TESTS/helpers/compare_traces.py" strace ours 2>difference && return
    done
    cat difference >&2
    echo "differs: $*" >&2
    failed=1
}
for part in files waits sockets processes rare; do compare "$BIN/trace_subject" $part; done
while read -ra words; do compare "${words[@]}"; done <<'END'
/bin/true
/bin/echo a b
/bin/pwd
/bin/uname -a
/usr/bin/id
/bin/ls -l /usr
/bin/cat passwd /nonexistent
/usr/bin/wc passwd
/usr/bin/head -2 passwd
/usr/bin/tail -2 passwd
/usr/bin/cut -d: -f1 passwd
/usr/bin/sed s/a/b/ passwd
/usr/bin/sort -r passwd
/usr/bin/uniq passwd
/usr/bin/sha256sum passwd
/usr/bin/od passwd
/usr/bin/tr a b
/usr/bin/tee copy
/bin/cp passwd copy
/bin/mv passwd other
/bin/rm passwd
/bin/ln -s passwd link
/bin/touch new
/bin/chmod 600 passwd
/bin/mkdir -p a/b/c
/bin/mknod fifo p
/usr/bin/stat passwd
/usr/bin/split passwd
/usr/bin/join passwd passwd
/usr/bin/install passwd copy
/usr/bin/du -s .
/bin/df /
/usr/bin/seq 5
/bin/sleep 0.01
/usr/bin/realpath .
/usr/bin/readlink /proc/self/exe
/usr/bin/env A=1 true
/usr/bin/nice true
/bin/dd if=/dev/zero of=file bs=512 count=20 status=none
/bin/tar cf t.tar /etc/apt
/usr/bin/make --version
END
for test in exec_relative_to_directory mask_in_place errno_bounds heap_by_brk; do
    compare "$BIN/$test"
done
# What descriptors lead to.
options=(-y)
for part in files waits sockets; do compare "$BIN/trace_subject" $part; done
compare /bin/sh -c 'cat passwd >copy; exec 5<passwd; rm passwd; read -r line <&5; exec 5<&-'
compare /bin/ls -l /usr
exit $failed
