# The shell's own work: pipelines, substitutions, subshells, traps, jobs, find -exec, xargs -P2.
for i in {1..40}; do echo "$i $(expr "$i" \* 7) $(echo "$i" | tr 0-9 a-j)"; done | sort -k3 | awk '{ s += $2 } END { print s, NR }'
mkdir -p tree/{a..f}/{1..5}
for folder in tree/*/*; do seq 50 | split -l 5 - "$folder/part-"; done
find tree -type f -name 'part-a*' -exec md5sum {} + | sort | md5sum
find tree -type d -exec test -d {} \; -print | sort | tail -3
find tree -type f -print0 | xargs -0 -P2 -n 20 wc -l | awk '{ s += $1 } END { print s }'
(trap 'echo trapped $?' EXIT; exit 3) || echo "status $?"
sleep 5 & kill $!; wait $! || echo "killed: $?"
diff <(seq 10) <(seq 11) || echo "differ: $?"
bash -c 'kill -KILL $$' || echo "status $?"
env -i /bin/sh -c 'echo "empty: $(env | grep -c .)"; exec /bin/echo done'
cat <<X | sed 's/a/b/g' | grep -c b
a
b
a
X
timeout 0.2 cat /dev/zero >/dev/null || echo "status $?"
/bin/nosuchprogram 2>/dev/null || echo "status $?"
echo '#!/bin/sh -e' >script; echo 'echo "$0: $*"; false; echo never' >>script; chmod +x script
./script 1 2 || echo "status $?"
