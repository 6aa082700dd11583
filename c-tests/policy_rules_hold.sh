#!/bin/bash
# Rules of a policy hold: in the process, in what it executes and in static programs, and in the kernel
# against code that jumps to the gate.
set -eu
fail() { echo "$*" >&2; exit 1; }
run() { # run PROGRAM [ARGS...]: under the policy in ./rules; its status in $status
    status=0
    "$COMMAND" policy -o report rules -- "$@" >out 2>err || status=$?
}
cat >rules <<'END'
# The first that matches counts.
allow socket if low0 == 1
deny EACCES socket
deny 42 getuid
log getpriority if arg0 == 0 & arg1 <= 5
deny EIO %pure if arg0 != arg0
END
run "$BIN/policy_subject" calls
[ "$status" = 125 ] && grep -q -F 'policy: line 6: arg0 is not known; valid: a number' err || fail "no error: $(cat err)"
sed -i '$d' rules
wanted='socket inet: -13
socket unix: 0
socket inet, upper half set: -13
socket unix, upper half set: 0
getuid: -42
getpriority: 0
number 500: -38'
for program in policy_subject policy_subject.static; do
    run "$BIN/$program" calls
    [ "$status" = 0 ] || fail "$program: status $status: $(cat err)"
    diff <(echo "$wanted") out || fail "$program"
    grep -q -F 'usertrap: policy line 5: log getpriority(0x0, 0x0, ' err || fail "not logged: $(cat err)"
    grep -E -q '^ +2 +3  deny EACCES$' report || fail "report: $(cat report)"
    for way in exec fork; do
        run "$BIN/policy_subject" $way "$BIN/$program"
        diff <(echo "$wanted" && echo "$wanted") out || fail "$way $program"
    done
done
LD_PRELOAD=$LIB USERTRAP_TOOL=policy USERTRAP_POLICY=rules "$BIN/policy_subject" calls >out 2>/dev/null
diff <(echo "$wanted") out || fail "preloaded"

# The kernel: from the application's part of the gate, and from ours but for what we need.
echo 'allow getpid' >rules
run "$BIN/policy_subject" gate
grep -q 'gate 1: getppid 1 socket 0 openat 0' out || fail "no gate found: $(cat out err)"
echo 'deny EACCES socket if arg0 == 2 & arg1 == 1' >rules
run "$BIN/policy_subject" gate
grep -q 'gate 1: getppid 1 socket -13 openat 0' out || fail "the kernel allows: $(cat out err)"
grep -q 'gate 2: getppid 1 socket -13 openat 0' out || fail "the kernel allows from ours: $(cat out err)"
echo 'deny EPERM getppid' >rules
run "$BIN/policy_subject" gate
grep -q 'gate 1: getppid 0' out && grep -q 'gate 2: getppid 1' out || fail "a number that is needed: $(cat out)"

# Default and kill.
cat >rules <<'END'
allow %file,%desc,%memory,%process,%signal,%creds,arch_prctl,set_tid_address,set_robust_list,rseq,getrandom,prlimit64,futex
default deny ENOSYS
kill mount
END
run "$BIN/policy_subject" calls
[ "$status" = 0 ] || fail "default: status $status: $(cat err)"
grep -q 'socket unix: -38' out && grep -q 'number 500: -38' out || fail "default: $(cat out)"
run /bin/sh -c 'cat /etc/hostname; ls / | wc -l'
[ "$status" = 0 ] && [ -s out ] || fail "a shell: status $status: $(cat out err)"
echo 'kill getpriority if arg0 == 0' >rules
run "$BIN/policy_subject" calls
[ "$status" = $((128 + 31)) ] || fail "kill: status $status"
! grep -q priority out || fail "kill: $(cat out)"

# What is said of a policy.
echo 'deny EPERM ptrace
deny EPERM openat
deny EPERM exit
log read
deny EPERM chmod,openat,exit_group,read' >rules
"$COMMAND" policy --explain -o report rules -- /bin/true 2>err || :
for line in 'policy line 1: deny EPERM: kept by the kernel, wherever' 'policy line 2: deny EPERM: kept by the kernel, but not at' \
    'policy line 3: deny EPERM: kept in the process only' 'policy line 4: log: forbids nothing' 'policy default: allow' \
    'policy line 5: deny EPERM: kept by the kernel, but not at the addresses from which usertrap makes such calls for itself: read openat; in the process only: exit_group'; do
    grep -q -F "$line" err || fail "no '$line' in: $(cat err)"
done
# Without a policy nothing runs.
run=0
"$COMMAND" policy nothing.txt /bin/echo started >out 2>err || run=$?
[ $run = 125 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] || fail "no file: status $run: $(cat err)"
USERTRAP_TOOL=policy LD_PRELOAD=$LIB /bin/echo started >out 2>err && fail "started without a policy"
[ ! -s out ] || fail "started: $(cat err)"
