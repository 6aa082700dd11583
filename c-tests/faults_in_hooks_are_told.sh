#!/usr/bin/env bash
# A fault in a hook is told in one line with the hook's name and ends the process by that signal, whatever the
# application does with the signal and whatever else comes in; signals that are sent to a hook are not lost.
# shellcheck disable=SC1091
. "$C_TESTS/helpers/common.sh"
hook=$EXAMPLES/libhook_faults.so
[ -r "$hook" ] || { echo "no $hook: make examples"; exit 1; }
helper faults_in_hook

# told SIGNAL LINE-PATTERN ARGUMENTS...: dies of SIGNAL, with one line (or none, if the pattern is empty)
told() {
    local signal=$1 pattern=$2 said status lines=1 settings
    shift 2
    [ -n "$pattern" ] || lines=0
    for settings in USERTRAP_REWRITE=off USERTRAP_LOG=warn; do
        said=$(env LD_PRELOAD="$hook" "$settings" ./faults_in_hook "$@" 2>&1)
        status=$?
        [ "$status" = $((128 + $(kill -l "$signal"))) ] || fail "$settings $*: status $status, want SIG$signal"
        [ "$(grep -c . <<<"$said")" = $lines ] || fail "$settings $*: said $said"
        [[ $said =~ $pattern ]] || fail "$settings $*: said $said, want $pattern"
    done
}

# goes_on LINE ARGUMENTS...: no fault, and this line
goes_on() {
    local wanted=$1 said settings
    shift
    for settings in USERTRAP_REWRITE=off USERTRAP_LOG=warn; do
        said=$(env LD_PRELOAD="$hook" "$settings" ./faults_in_hook "$@" 2>&1)
        [ "$said" = "$wanted" ] || fail "$settings $*: said $said, want $wanted"
    done
}

pc='at pc 0x[0-9a-f]+'
for disposition in default caught; do
    told SEGV "^usertrap: hook faults: SIGSEGV $pc \(address 0x10\)$" enter 0 $disposition
    told SEGV "^usertrap: hook faults: SIGSEGV $pc \(address 0x0\)$" enter 1 $disposition
    told ILL "^usertrap: hook faults: SIGILL $pc \(address 0x[0-9a-f]+\)$" enter 2 $disposition
    told FPE "^usertrap: hook faults: SIGFPE $pc" enter 3 $disposition
    told BUS "^usertrap: hook faults: SIGBUS $pc" enter 4 $disposition
    told SEGV "^usertrap: hook faults: SIGSEGV $pc" enter 5 $disposition
    told SEGV "^usertrap: hook faults: SIGSEGV at pc 0x18 \(address 0x18\)$" enter 6 $disposition
    told SEGV "^usertrap: hook faults: SIGSEGV $pc \(address 0x10\)$" enter 7 $disposition
    for where in exit clone fork thread vfork interrupted; do
        told SEGV "^usertrap: hook faults: SIGSEGV $pc \(address 0x10\)$" $where 0 $disposition
        told SEGV "^usertrap: hook faults: SIGSEGV $pc \(address 0x10\)$" $where 7 $disposition
    done
    told ILL "^usertrap: hook faults: SIGILL $pc" enter 10 $disposition
done
# What the application blocks or ignores, the kernel makes a silent death.
for disposition in blocked ignored; do
    told SEGV '' enter 0 $disposition
    told BUS '' enter 4 $disposition
    told FPE '' enter 3 $disposition
done
told SEGV '' enter 9 default
# Of each kind one is kept in the area at most, and one in the kernel, which lets equal ones fall together.
goes_on 'result 7, SIGSEGV 1, SIGUSR1 2' enter 8 caught
goes_on 'result 7, SIGSEGV 1, SIGUSR1 0' enter 9 caught
goes_on 'result 7, SIGSEGV 0, SIGUSR1 2' enter 8 ignored
goes_on 'result 7, SIGSEGV 0, SIGUSR1 2' enter 8 blocked
finish
