# Traps of bash: TERM, INT, CHLD, USR1, EXIT, DEBUG, RETURN and ERR, in loops, in functions and in subshells.
count=0 children=0
trap 'count=$((count + 1))' USR1
for _ in {1..300}; do kill -USR1 $$; done
echo "USR1: $count"

trap 'echo "TERM in $FUNCNAME"' TERM
outer() { inner; echo "back in outer"; }
inner() { kill -TERM $$; echo "back in inner"; }
outer

# A trap during wait ends the wait.
trap 'echo "USR2 during wait"' USR2
bash -c 'sleep 0.5; kill -USR2 $PPID; exec sleep 30' & sleeper=$!
wait $sleeper
echo "wait: $?"
kill $sleeper
wait $sleeper
echo "sleeper: $?"

trap 'children=$((children + 1))' CHLD
for i in {1..40}; do (exit $((i % 3))) || :; done
trap - CHLD
echo "children: $children"

# Each subshell has its own traps, and the signals that are ignored.
trap '' HUP
(trap 'echo "EXIT of a subshell"' EXIT; kill -HUP $BASHPID; echo "HUP is ignored")
bash -c 'trap "echo hung up" HUP; kill -HUP $$; echo "ignored at the start stays ignored"'
(kill -TERM $BASHPID; echo "not reached")
echo "by TERM: $?"
(trap 'echo INT; exit 9' INT; kill -INT $BASHPID; echo "not reached")
echo "by a trap: $?"

# Interrupted while a foreground program runs: the trap comes when that has ended.
trap 'echo "USR1 after the program"' USR1
bash -c 'kill -USR1 $PPID; sleep 0.05; echo "the program ends"'
trap - USR1

# A signal in each of many builtins and substitutions.
n=0
trap 'n=$((n + 1))' USR1
for _ in {1..100}; do
    text=$(kill -USR1 $$; echo substituted)
    read -r text <<<"$text"
    : "$(printf '%s' "$text")"
done
echo "in substitutions: $n $text"

errors=0
trap 'errors=$((errors + 1))' ERR
for i in {1..50}; do false; true; done
trap - ERR
echo "ERR: $errors"
coproc cat
pid=$COPROC_PID
echo "to the coprocess" >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
kill "$pid"
wait "$pid" 2>/dev/null
echo "coprocess: $?"

# The other end of a pipe is gone.
(trap '' PIPE; for _ in {1..20}; do echo line; sleep 0.01; done 2>/dev/null || echo "a write failed" >&2) | head -n 1
bash -c 'while echo y; do :; done' | head -n 1
echo "pipe: ${PIPESTATUS[0]}"
trap 'echo "EXIT with $?"' EXIT
trap 'exit 7' TERM
kill -TERM $$
