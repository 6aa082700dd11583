#!/usr/bin/env bash
# A long script: what shells do with processes. Prints the same text each time.
# shellcheck disable=SC2209,SC2287,SC2216,SC2154,SC2034 # oddities are what it is for
set -u -o pipefail
say() { printf '%s\n' "$*"; }
section() { printf '== %s\n' "$1"; }

section pipelines
seq 1 2000 | sort -rn | uniq | awk '{ sum += $1 } END { print NR, sum }'
seq 1 500 | while read -r number; do echo $((number * number)); done | tail -n 1
printf '%s\n' one two three | tr a-z A-Z | tac | cat -A | sed 's/\$$//' | paste -sd, -
false | true | sh -c 'exit 3' | cat
say "status $? of ${PIPESTATUS[*]}"
false | true | sh -c 'exit 3' | cat
say "${PIPESTATUS[@]}"
yes | head -n 3 # yes dies of SIGPIPE
say "${PIPESTATUS[@]}"
for width in 1 2 4 8 16; do
    filter=cat
    for ((i = 1; i < width; i++)); do filter+=" | cat"; done
    echo "through $width" | eval "$filter"
done

section substitution
diff <(seq 1 20) <(seq 2 21) | sort
paste <(seq 3) <(seq 4 6) <(echo a; echo b; echo c)
# The last cat ends when all of them have: they have descriptor 4.
{ { tee >(wc -c >count) >(md5sum >sum) < <(seq 100) | tail -n 1; } 4>&1 >&3 | cat; } 3>&1
cat count sum
words=$(for word in $(echo alpha beta gamma); do echo -n "${word^} "; done)
say "[$words] $(echo "$(echo "$(echo deep)")") $(<count)"
mapfile -t lines < <(seq 5 | tac)
say "${lines[@]}"

section here-documents
name=value
cat <<DOC
expanded: $name $(echo computed) $((6 * 7))
DOC
cat <<'DOC' | wc -l
not expanded: $name
DOC
tr a-z A-Z <<<"a string: $name"
bash <<'DOC'
echo "a script on standard input: $((1 + 1)), $(basename "$0")"
exit 0
DOC
sh -s first second <<'DOC'
echo "with $# arguments: $2"
DOC

section subshells
variable=outer
(variable=inner; cd /; say "$variable $PWD"; exit 5)
say "status $?, $variable"
{ say grouped; say twice; } | cat -n
(exec -a another-name sh -c 'echo "$0"')
(exec sh -c 'tr "\0" " " </proc/self/cmdline; echo')
bash -c 'say() { echo "exported $1"; }; export -f say; bash -c "say function"'
env -i A=1 B=2 bash --norc --noprofile -c 'echo "$A$B ${HOME-no home}"; env | grep -c "^[AB]="'

section statuses
/nonexistent/program 2>/dev/null; say "missing $?"
echo 'echo a script without an interpreter line: $0 $1' >plain
./plain 2>/dev/null; say "not executable $?"
chmod +x plain
./plain x
/ 2>/dev/null; say "a directory $?"
printf '#!/nonexistent/interpreter\n' >orphan && chmod +x orphan
./orphan 2>/dev/null; say "no interpreter $?"
printf '\177ELF garbage' >broken && chmod +x broken
./broken 2>/dev/null; say "broken image $?"
: >empty && chmod +x empty
./empty; say "empty file $?"
printf '#!/bin/sh -e\necho "${0##*/} $1"\nfalse\necho not reached\n' >script && chmod +x script
./script argument; say "script $?"
printf '#!./script with spaces  \n' >nested && chmod +x nested
./nested more; say "nested $?"
printf '#!/usr/bin/env -S awk -f\nBEGIN { print "awk", ARGC, ARGV[1] }\n' >awk-script && chmod +x awk-script
./awk-script one
mkdir -p path && cp script path/found && PATH=$PWD/path:$PATH
found in-path; hash -r; say "found $?"
for signal in TERM KILL SEGV ABRT USR1 PIPE; do
    bash -c "ulimit -c 0; kill -$signal \$\$" 2>/dev/null
    say "$signal $?"
done

section traps
bash -c 'trap "echo bye" EXIT; echo hello; exit 4'; say $?
bash -c 'trap "echo caught TERM; exit 9" TERM; kill -TERM $$; echo not reached'; say $?
bash -c 'trap "" INT; sh -c "kill -INT \$\$; echo INT is ignored by children"'
bash -c 'trap "echo an error in line \$LINENO" ERR; false; true; sh -c "exit 2"; echo end'
bash -c 'set -e; trap "echo status \$?" EXIT; sh -c "exit 7"; echo not reached'; say $?
bash -c 'trap "echo USR1" USR1; (sleep 0.05; kill -USR1 $$) & wait; echo "wait: $?"; wait'
bash -c 'trap "n=\$((n + 1))" CHLD; n=0; for i in 1 2 3; do sh -c : ; done; [ $n -ge 1 ] && echo children were seen'
bash -c 'trap "echo debug" DEBUG; sh -c "echo x" >/dev/null' | sort | uniq -c | awk '{ print $2 }'

section jobs
for number in 1 2 3 4 5 6 7 8; do (sleep 0.0$number; exit $number) & done
total=0
while :; do
    wait -n
    status=$?
    [ $status = 127 ] && break
    total=$((total + status))
done
say "sum of statuses $total"
sleep 30 & victim=$!
kill $victim
wait $victim 2>/dev/null; say "killed $?"
(sleep 30) & victim=$!
kill -STOP $victim
read -r _ _ state _ </proc/$victim/stat
for _ in {1..200}; do [ "$state" = T ] && break; sleep 0.01; read -r _ _ state _ </proc/$victim/stat; done
say "state $state"
kill -CONT $victim; kill -KILL $victim
wait $victim 2>/dev/null; say "killed $?"
true & first=$!
sh -c 'exit 11' & second=$!
wait $first; say "first $?"
wait $second; say "second $?"
bash -c 'sleep 30 & echo "$!" >orphan-pid; exit 0'
kill -0 "$(<orphan-pid)" && kill "$(<orphan-pid)" && say "an orphan lives on"
set -m
sleep 0.2 & job=$!
read -r _ _ _ _ group _ <"/proc/$job/stat"
[ "$group" = $job ] && say "a job has its own group"
fg >/dev/null; say "fg $?"
sleep 30 | sleep 30 &
kill %%; wait %% 2>/dev/null; say "a job is killed: $?"
set +m
bash -c 'exec 3> >(cat -n); for i in a b c; do echo $i >&3; done; exec 3>&-; wait $!'
coproc upper { stdbuf -oL tr a-z A-Z; }
echo through a coprocess >&"${upper[1]}"
read -r line <&"${upper[0]}"; say "$line"
kill "$upper_PID"; wait "$upper_PID" 2>/dev/null

section time-limits
timeout 0.1 sleep 30; say "timeout $?"
timeout -s KILL 0.1 sleep 30 2>/dev/null; say "timeout -s KILL $?"
timeout 10 sh -c 'exit 6'; say "in time $?"
timeout --preserve-status 0.1 bash -c 'trap "exit 8" TERM; sleep 30 & wait'; say "preserved $?"
read -r -t 0.05 line < <(sleep 0.3); say "read -t $(($? > 128))"

section descriptors
exec 5>five
echo to five >&5; sh -c 'echo from a child >&5'; exec 5>&-
cat five
{ sh -c 'echo out; echo err >&2' 2>&1 >&3 | sed 's/^/only errors: /'; } 3>&1 | sort
sh -c 'echo closed' >&- 2>/dev/null; say "closed output $?"
exec 6<>fifty; echo kept >&6; exec 6<&-; cat fifty
mkfifo pipe; (seq 3 >pipe) & sort -r <pipe; wait
ls /proc/self/fd | awk '$1 < 10' | wc -l
(ulimit -n 40; sh -c 'ulimit -n')
(ulimit -s 1024; bash -c 'ulimit -s; /bin/echo a small stack')
(umask 027; touch masked; stat -c %a masked)

section many
for number in {1..120}; do
    case $((number % 4)) in
    0) /bin/true ;;
    1) value=$(/bin/echo "$number") ;;
    2) sh -c "exit $((number % 7))" ;;
    3) (echo "$number" | cat >/dev/null) ;;
    esac
    say "$number $?"
done | cksum
long=$(printf '%*s' 100000 x)
/bin/echo "$long" | wc -c
printf '%s\0' {1..5000} | xargs -0 /bin/echo | cksum
/bin/true $(seq 400000) 2>/dev/null; say "too long $?"
times >/dev/null && say end
