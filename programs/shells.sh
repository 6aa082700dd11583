# Programs that start programs: dash, env, nice, nohup, setsid, timeout, script, stdbuf, flock, setpriv, prlimit, ld.so...
# needs: dash script setsid flock setpriv prlimit taskset run-parts start-stop-daemon
# modes: rewrite command guest
# processes: 110
export SHELL=/bin/sh
cat >inside <<'SH'
set -u
say() { printf '%s\n' "$*"; }
say "dash: $0 $1"
trap 'say at the end' EXIT
trap 'say "hung up"' HUP
kill -HUP $$
i=0
while [ $i -lt 20 ]; do
    i=$((i + 1))
    (exit $i) || say "$i $(echo $i | sed 's/./&-/g')"
done | cksum
sleep 0.05 & wait $!
say "wait $?"
env -i sh -c 'echo "empty environment: ${HOME-none}"; exit 3'; say $?
env -i NAME=value /usr/bin/env | grep -v '^_='
env -u PATH /usr/bin/printenv PATH; say "no PATH $?"
env --chdir=/ pwd
env nonexistent 2>/dev/null; say "env $?"
nice -n 5 nice
nice -n 5 nice -n 7 sh -c nice
nohup sh -c 'kill -HUP $$; echo survives' 2>/dev/null
nohup nonexistent 2>/dev/null; say "nohup $?"
setsid -w sh -c 'read -r pid _ _ _ group session _ </proc/self/stat; [ "$session" = $$ ] && echo its own session; exit 4'; say $?
timeout 0.1 sh -c 'sleep 30'; say "timeout $?"
timeout --foreground 0.1 sleep 30; say "timeout $?"
stdbuf -o0 sh -c 'echo unbuffered; exit 2'; say $?
flock lock -c 'flock -n lock true || echo it is locked'; say "flock $?"
flock -n lock true; say "flock $?"
taskset 1 sh -c 'taskset -p $$ | sed s/.*:// '
prlimit --nofile=50:60 sh -c 'ulimit -n; ulimit -Hn'
setpriv --no-new-privs sh -c 'grep NoNewPrivs /proc/self/status'
setpriv --pdeathsig KILL sh -c 'echo with a parent-death signal'
chrt -p $$ >/dev/null && chrt --batch 0 sh -c 'chrt -p $$ | head -n 1 | sed "s/.*: //"'
ionice -c 3 sh -c 'ionice'
mkdir parts
printf '#!/bin/sh\necho first\n' >parts/1; printf '#!/bin/sh\necho second; exit 1\n' >parts/2; chmod +x parts/*
run-parts parts 2>/dev/null; say "run-parts $?"
start-stop-daemon --start --background --make-pidfile --pidfile "$PWD/pid" --exec /bin/sleep -- 30; say $?
n=0
until start-stop-daemon --status --pidfile "$PWD/pid" --name sleep || [ $n = 100 ]; do n=$((n + 1)); sleep 0.02; done
start-stop-daemon --stop --pidfile "$PWD/pid" --name sleep >/dev/null; say "stopped $?"
/lib64/ld-linux-x86-64.so.2 /bin/echo by the dynamic linker
/lib64/ld-linux-x86-64.so.2 /bin/sh -c 'echo $0; exit 5' name; say $?
ldd /bin/true | sed 's/ (.*//' | grep -c libc.so
script -qec 'tty >/dev/null && echo on a terminal; stty -a | head -n 1; exit 7' typescript </dev/null >screen; say "script $?"; tr -d '\r' <screen
script -qec 'sh -i -c "echo interactive; sleep 0.01"' typescript </dev/null | tr -d '\r'
xargs -a inside -n 40 echo | wc -l
SH
under dash inside argument
