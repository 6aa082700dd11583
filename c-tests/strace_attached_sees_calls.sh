#!/usr/bin/env bash
# Shows that strace, attached to a process that runs, tells its calls, their arguments and results as natively, in each
# thread and child, and leaves it unharmed; at rewritten sites there is no SIGSYS any more. Beside the application's
# calls there are ours (docs/calls-of-our-own.md), which are not compared.
# timeout: 300
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
command -v strace >/dev/null || { echo "skipped: no strace"; exit 77; }
strace -o /dev/null true 2>/dev/null || { echo "skipped: strace may not trace"; exit 77; }
helper strace_calls

# waits THREADS LINES: until so many lines are written, and so many threads of $pid wait for a byte
waits() {
    for _ in {1..3000}; do
        [ "$(wc -l <"$mode.said")" = "$2" ] && [ "$(cat "/proc/$pid/task/"*/syscall 2>/dev/null | grep -c '^0 0x[08] ')" = "$1" ] && return
        sleep 0.01
    done
    fail "the program does not wait"
}

# feed: a round, in each thread
feed() {
    printf %s $round >&7
    waits $threads $(((round - 1) * threads + 1))
    [ -z "$kind" ] && return
    printf %s $round >&9
    waits $threads $((round * threads))
}

# told THREADS TRACE: the trace as a list for each thread, in the order in which these are first seen. A trap is the call and its
# SIGSYS, or that alone; what follows is the call from the gate. THREADS are to trap no more.
told() {
    awk -v threads="${1//$'\n'/ }" '
        BEGIN { split(threads, list, " "); for (i in list) old[list[i]] }
        { pid = $1; sub(/^[0-9]+ +/, "") }
        / <unfinished \.\.\.>$/ { sub(/ <unfinished \.\.\.>$/, ""); begun[pid] = $0; next }
        /^<\.\.\. .* resumed>/ { sub(/^<\.\.\. [a-z0-9_]+ resumed>/, ""); $0 = begun[pid] $0 }
        /^--- SIGCHLD/ || /<detached \.\.\.>$/ || / = \? ERESTARTSYS/ { next } # which thread gets it is chance
        /^--- SIGSYS.*SYS_USER_DISPATCH/ { traps[pid]++; next } # of this arm the signal is all
        /^--- SIGSYS/ { count[pid]--; traps[pid]++; next }
        /^(rt_sigprocmask|rt_sigreturn|get(p?pid|tid)|sigaltstack|madvise|openat\(AT_FDCWD, "\/proc\/self\/(maps|mem)|pwrite64|membarrier|ioctl|close|prctl\(PR_SET_SYSCALL_USER_DISPATCH)/ { next }
        !(pid in count) { order[++pids] = pid }
        { line[pid, ++count[pid]] = $0 }
        END {
            for (i = 1; i <= pids; i++) {
                print "thread " i (order[i] in old && traps[order[i]] ? ", trapped" : "")
                for (n = 1; n <= count[order[i]]; n++) print line[order[i], n]
            }
        }' "$2" |
        sed -E -e 's/ += / = /' -e 's/0x[0-9a-f]+/ADDRESS/g' -e 's/(child_tidptr=|clone3?\([^)]*\) = |wait4\(|getsid\(0\) = |si_pid=|si_uid=|si_utime=|si_stime=|= )[0-9]{2,}/\1N/g' -e 's/, flags=SECCOMP.*//'
}

for kind in "" threads; do
    threads=$((1 + ${#kind} / 7))
    for mode in native rewrite trap stat ${COMMAND:+command}; do
        more=""
        [ "$mode" = stat ] && more="LD_PRELOAD=$LIB USERTRAP_TOOL=stat USERTRAP_OUT=/dev/null"
        rm -f feed beside
        mkfifo feed beside
        # shellcheck disable=SC2046,SC2086
        env $more $(environment_of "$mode") $(start_of "$mode") ./strace_calls $kind <feed 8<beside >"$mode.said" 7>&- 9>&- &
        pid=$!
        exec 7>feed 9>beside
        waits $threads 0
        for round in 1 2 3; do # what is to be rewritten is
            feed
        done
        for round in 4 5; do
            strace -f -p "$pid" -o $round.trace 2>$round.attached &
            tracer=$!
            for _ in {1..3000}; do
                [ "$(cat "/proc/$pid/task/"*/status 2>/dev/null | grep -c "^TracerPid:.$tracer$")" = $threads ] && break
                sleep 0.01
            done
            feed
            kill -INT $tracer
            wait $tracer
            told "$([ "$mode" = trap ] || ls "/proc/$pid/task")" $round.trace >"$mode".$round.told
            grep -q getsid "$mode".$round.told || fail "$mode $kind: nothing seen: $(head -5 $round.trace)"
            cmp -s native.$round.told "$mode".$round.told || fail "$mode $kind: $(diff native.$round.told "$mode".$round.told | head -12)"
        done
        exec 7>&- 9>&-
        wait "$pid"
        status=$?
        [ $status = 0 ] || fail "$mode $kind: status $status"
        cmp -s native.said "$mode".said || fail "$mode $kind: $(diff native.said "$mode".said)"
    done
done
finish
