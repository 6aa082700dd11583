#!/bin/bash
# Each signal that a handler gets is a line of the trace, once, where strace has it and as strace writes it; also
# those that end a process by our own handler. In JSON and for Perfetto they are there too, and -e signal= selects.
# timeout: 300
set -eu
fail() { echo "$*" >&2; exit 1; }
subject=$BIN/trace_signals
ours() { "$COMMAND" trace -o ours "$@" 2>/dev/null || :; }
signals() { grep -c -- ' --- SIG.* ---$' ours || :; }
if strace -o /dev/null true 2>/dev/null; then
    for part in sent kernel faults children deaths; do
        for _ in 1 2 3; do
            strace -f -o strace "$subject" "$part" 2>/dev/null || :
            ours "$subject" "$part"
            python3 "$C_TESTS/helpers/compare_traces.py" strace ours 2>difference && continue 2
        done
        cat difference >&2
        fail "differs: $part"
    done
fi
# Nothing but signals and ends; chosen ones; none; with times.
ours -e trace=none "$subject" sent
[ "$(grep -v -c -- '+++' ours)" = 8 ] && [ "$(signals)" = 8 ] || fail "trace=none: $(cat ours)"
ours -e trace=none -e signal=usr1,SIGRT_5 "$subject" sent
[ "$(signals)" = 4 ] || fail "signal=usr1,SIGRT_5: $(cat ours)"
ours -e trace=none -e 'signal=!usr1' "$subject" sent
[ "$(signals)" = 5 ] || fail "signal=!usr1: $(cat ours)"
ours -e signal=none "$subject" sent
[ "$(signals)" = 0 ] && grep -q 'kill(' ours || fail "signal=none: $(cat ours)"
ours -e trace=none -ttt "$subject" sent
grep -q -E '^[0-9]+ +[0-9]+\.[0-9]{6} --- SIGUSR1 \{si_signo=SIGUSR1, si_code=SI_USER,' ours || fail "-ttt: $(cat ours)"
# A process that a signal has ended is told to be dead where its parent has learnt of it by SIGCHLD.
ours -e trace=none "$subject" children
[ "$(grep -A1 '+++ killed by SIGKILL +++' ours | grep -c -- '--- SIGCHLD .*CLD_KILLED')" = 1 ] || fail "children: $(cat ours)"
# As many as the handler has counted, whatever they interrupt, and beside a hook library.
for hook in "" "--hook $BIN/hooks/busy.so"; do
    for trap in "" --trap-only; do
        # shellcheck disable=SC2086
        counted=$("$COMMAND" $hook $trap trace -e trace=none -o ours "$subject" storm)
        [ "$(signals)" = "$counted" ] && [ "$counted" -gt 0 ] || fail "storm $hook $trap: $(signals) lines, $counted counted"
    done
done
for form in json perfetto; do
    ours "--format=$form" -e trace=none "$subject" sent
    python3 - "$form" <<'P'
import json, sys
with open("ours") as file:
    events = json.load(file) if sys.argv[1] == "perfetto" else [json.loads(line) for line in file]
if sys.argv[1] == "perfetto":
    found = [(event["name"], event["args"]["info"]) for event in events if event.get("cat") == "signal"]
else:
    found = [(event["signal"], event["info"]) for event in events if "signal" in event]
assert [name for name, _ in found] == ["SIGUSR1", "SIGUSR2", "SIGRT_5", "SIGRT_2", "SIGUSR1", "SIGUSR1", "SIGUSR2", "SIGSYS"], found
assert found[2][1]["si_code"] == "SI_QUEUE" and found[2][1]["si_int"] == "77" and "si_signo" not in found[2][1], found[2]
P
done
