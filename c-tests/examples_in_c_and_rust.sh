#!/usr/bin/env bash
# The examples in C and in Rust do what their heads say.
# shellcheck disable=SC1091,SC2016,SC2153
. "$C_TESTS/helpers/common.sh"
c=$BIN/../examples/
rust=$EXAMPLES
rust+=/lib
for example in answer redirect memory_file fake_clock slow_network connects; do
    for library in "$c$example.so" "$rust$example.so"; do
        [ -r "$library" ] || { echo "no $library: make examples"; exit 1; }
    done
done
with() { # with HOOK COMMAND...
    local hook=$1
    shift
    env USERTRAP_HOOK="$examples$hook" "$COMMAND" -- "$@"
}
is() { # is WHAT WANTED GOT
    [ "$3" = "$2" ] || fail "$1: $3"
}

for examples in "$c" "$rust"; do
    is "$examples: answer" 42 "$(with answer.so sh -c 'echo $$' 2>/dev/null)"

    rm -rf real list && mkdir -p real/bin
    echo there >real/file
    printf '#!/bin/sh\necho executed\n' >real/bin/script && chmod 755 real/bin/script
    is "$examples: redirected open, stat, chdir and exec" "there file executed there" "$(with "redirect.so:/nowhere=$PWD/real" \
        bash -c 'cat /nowhere/file; [ -e /nowhere/file ] && basename /nowhere/file; /nowhere/bin/script; cd /nowhere && cat file' | xargs)"
    is "$examples: a path that only begins alike" "" "$(with "redirect.so:/nowhere=$PWD/real" cat /nowhereelse 2>/dev/null)"
    with redirect.so true 2>/dev/null && fail "$examples: redirect: no option"

    is "$examples: a file in memory" "Good morning. 14" "$(with 'memory_file.so:/nowhere/motd=Good morning.' \
        sh -c 'cat /nowhere/motd; wc -c </nowhere/motd' | xargs)"
    is "$examples: another file" "there" "$(with 'memory_file.so:/nowhere/motd=Good morning.' cat real/file)"

    export USERTRAP_VDSO=hide
    for program in date "$(command -v busybox) date"; do
        # shellcheck disable=SC2086
        [ "$program" = " date" ] || is "$examples: $program in 1970" 1970 "$(with "fake_clock.so:-$(date +%s)" $program -u +%Y)"
    done
    is "$examples: clock of another kind" same "$(with fake_clock.so:-1000000000 sh -c 'read -r a _ </proc/uptime; [ "${a%.*}" -gt 0 ] && echo same')"
    unset USERTRAP_VDSO

    said=$(with connects.so bash -c 'exec 3<>/dev/tcp/127.0.0.1/1' 2>&1)
    [[ $said = *": 127.0.0.1:1: Connection refused"* ]] || fail "$examples: connects: $said"
    with "connects.so:$PWD/list" bash -c 'exec 3<>/dev/tcp/127.0.0.1/1' 2>/dev/null
    grep -q ': 127.0.0.1:1: ' list || fail "$examples: connects wrote no file"

    if command -v python3 >/dev/null; then
        before=$(date +%s%N)
        said=$(with slow_network.so:2000 python3 -c 'import socket
a, b = socket.socketpair()
a.sendall(b"x" * 1000)
print(len(b.recv(2000)))' 2>&1)
        is "$examples: what a slow network carries" 1000 "$said"
        # It cannot be faster, however busy the machine is.
        [ $((($(date +%s%N) - before) / 1000000)) -ge 1000 ] || fail "$examples: 2,000 bytes went in less than a second"
    fi
done
finish
