# redis-server with an append-only file under redis-benchmark, which runs natively; then a background save, by fork.
# coverage: 97 99.8
# needs: redis-server redis-benchmark redis-cli
# modes: rewrite guest
port=$(free_port)
become redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly yes --appendfsync everysec >server.log 2>&1 &
server=$!
trap 'kill -9 $server 2>/dev/null; tail -n 5 server.log >&2' EXIT
say() { redis-cli -h 127.0.0.1 -p "$port" "$@"; }
for _ in {1..100}; do say ping >/dev/null 2>&1 && break; sleep 0.1; done

redis-benchmark -h 127.0.0.1 -p "$port" -c 20 -n 40000 -P 1 -t ping_inline,set,get,incr,lpush,lrange_100 -q >benchmark
redis-benchmark -h 127.0.0.1 -p "$port" -c 20 -n 200000 -P 16 -t set,get -q >>benchmark
tr '\r' '\n' <benchmark | grep -c 'requests per second'
say get counter:__rand_int__
say llen mylist

say bgsave
for _ in {1..100}; do say info persistence | grep -q rdb_bgsave_in_progress:0 && break; sleep 0.1; done
say info persistence | tr -d '\r' | grep -E '^(rdb_last_bgsave_status|aof_last_write_status)'
read -r -a stat <"/proc/$server/stat"
cost "$(awk -v ticks=$((stat[13] + stat[14])) -v hertz="$(getconf CLK_TCK)" 'BEGIN { print ticks / hertz }')"
say shutdown nosave >/dev/null
status=0
wait $server || status=$?
trap - EXIT
echo "status $status"
