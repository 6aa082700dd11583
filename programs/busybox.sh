# Busybox, a static program that executes itself by /proc/self/exe for each applet: a script of its sh, pipes, jobs, tar.
# coverage: 99 99.5
# needs: busybox
# modes: rewrite command guest
# processes: 120
cat >inside <<'SH'
say() { echo "$*"; }
say "$0 $1 $(readlink /proc/self/exe | sed 's|.*/||')"
for applet in true false; do $applet; say "$applet $?"; done
seq 1 300 | sort -rn | uniq | awk '{ s += $1 } END { print NR, s }'
seq 1 50 | xargs -n 7 echo | tail -n 1
seq 1 50 | xargs -n 10 sh -c 'echo $# $0' | md5sum
find . -name inside -exec wc -l {} \;
env -i sh -c 'echo ${HOME-none}; exit 6'; say $?
nohup sh -c 'exit 5' 2>/dev/null >&2; say $?
timeout 1 sh -c 'exit 4'; say $?
timeout -s KILL 1 sh -c 'kill -9 $$'; say $?
i=0; while [ $i -lt 60 ]; do i=$((i + 1)); (exit $((i % 5))) || n=$((n + $?)); x=$(sh -c "echo $i"); done; say $n $x
sleep 30 & kill $!; wait $! 2>/dev/null; say "killed $?"
trap 'say bye' EXIT
mkdir -p in; seq 2000 >in/text; tar -czf archive in; tar -tzf archive; gunzip -c archive | wc -c
gzip -k in/text; zcat in/text.gz | cksum; bzip2 -c in/text | bunzip2 | cksum
printf '#!/bin/sh\necho "through the system'"'"'s sh $1"\n' >script; chmod +x script; ./script here
setsid sh -c 'echo a session'; nice sh -c nice
env | grep -c '^ONLY='
SH
under env ONLY=one busybox sh inside argument
ln -s "$(command -v busybox)" ./ash
under ./ash -c 'echo "$0"; cat /proc/self/comm; readlink /proc/self/exe | sed "s|.*/||"'
status=0
under busybox nonexistent 2>/dev/null || status=$?
echo "status $status"
under sh -c 'busybox seq 100 | busybox sort -n | tail -n 1; exec busybox sh -c "kill -SEGV \$\$"' || echo "status $?"
