#!/bin/bash
# `trace -k` shows where each call comes from: file, function and offset, of the program's own static functions, of
# libc's, of libraries that are closed and others opened in their place, and after an exec; also with every call by the
# trap, in JSON and for Perfetto. The offset is that of the bytes behind the call.
set -eu
fail() { echo "$*" >&2; exit 1; }
cc=${CC:-cc}
$cc -O2 -o sites "$C_TESTS/helpers/trace_sites.c" -ldl
for name in first second; do $cc -O2 -shared -fPIC "-DNAME=${name}_site" -o "$name.so" "$C_TESTS/helpers/site_in_library.c"; done
# Stripped: only what libraries export has a name.
cp sites stripped && strip stripped
libraries=(./first.so first_site ./second.so second_site ./first.so first_site)
sites() { sed -n 's/^ > .*\/\([^/]*(.*\)$/\1/p; s/^ > \(\[anonymous\].*\)$/\1/p' ours | sed 's/+0x[0-9a-f]*//; s/ \[0x[0-9a-f]*\]//'; }
for trap in "" --trap-only; do
    # shellcheck disable=SC2086
    said=$("$COMMAND" $trap trace -k -e getppid,execve -o ours ./sites "${libraries[@]}")
    [ "$(grep -c 'getppid() ' ours)" = 11 ] || fail "calls: $(cat ours)"
    wanted="sites(own_site) libc.so.6(getppid) first.so(first_site) first.so(first_site) second.so(second_site) second.so(second_site) first.so(first_site) first.so(first_site) [anonymous]() libc.so.6(execve) sites(own_site) libc.so.6(getppid)"
    [ "$(sites | xargs)" = "$wanted" ] || fail "sites $trap: $(cat ours)"
done
# Else the test shows less than it is meant to.
[[ $said = *same* ]] || fail "no library took another's place: $said"
"$COMMAND" trace -k -e getppid -o ours ./stripped
[ "$(sites | xargs)" = "stripped() libc.so.6(getppid)" ] || fail "stripped: $(cat ours)"
# The bytes before that place in the file are a call.
"$COMMAND" trace -k -e getppid -o ours ./sites
while read -r file offset; do
    bytes=$(od -An -tx1 -j $((offset - 2)) -N 2 "$file" | xargs)
    [ "$bytes" = "0f 05" ] || fail "$file at $offset: $bytes"
done < <(sed -n 's/^ > \(.*\)(.*) \[\(.*\)\]$/\1 \2/p' ours)
# Signals have the place that they have interrupted, and without -k there is nothing.
"$COMMAND" trace -k -e trace=none -o ours "$BIN/trace_signals" sent 2>/dev/null
[ "$(grep -A1 -- '--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER' ours | grep -c 'libc.so.6(kill+0x')" = 1 ] || fail "signal: $(cat ours)"
"$COMMAND" trace -o ours ./sites
! grep -q '^ > ' ours
for form in json perfetto; do
    "$COMMAND" trace -k --format=$form -e getppid -o ours ./sites
    [ "$(grep -c '"stack":\["/[^"]*\(own_site\|getppid\)+0x[0-9a-f]*) \[0x[0-9a-f]*\]"\]' ours)" = 2 ] || fail "$form: $(cat ours)"
done
# As many threads and processes as there may be, and what maps and unmaps all the time.
"$COMMAND" trace -k -e getppid -o ours "$BIN/trace_subject" return 1000 4
[ "$(grep -c 'libc.so.6(syscall+0x' ours)" = 5000 ] || fail "children: $(grep -c 'libc.so.6(syscall' ours)"
"$COMMAND" trace -k -e getppid -o ours "$BIN/trace_subject" threads
[ "$(grep -c 'libc.so.6(syscall+0x' ours)" = 400 ] || fail "threads"
