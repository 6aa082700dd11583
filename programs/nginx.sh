# nginx, a master and two workers, under wrk, which runs natively; reloaded once, so that new workers are forked.
# coverage: 97 99.8
# needs: nginx wrk
# modes: rewrite guest
port=$(free_port)
mkdir site logs
head -c 1000 /dev/zero | tr '\0' x >site/small
head -c 300000 /dev/zero | tr '\0' y >site/large
cat >nginx.conf <<CONF
daemon off;
worker_processes 2;
pid nginx.pid;
error_log logs/error.log notice;
$([ "$(id -u)" != 0 ] || echo 'user root;')
events { worker_connections 256; }
http {
    access_log logs/access.log;
    sendfile on;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server { listen 127.0.0.1:$port; root site; }
}
CONF
become nginx -p "$PWD/" -c nginx.conf -e logs/error.log 2>server.log &
server=$!
trap 'kill -9 $server 2>/dev/null; tail -n 8 server.log logs/error.log >&2' EXIT

size() { # size PATH: bytes of the answer
    { exec 5<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
    printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&5
    wc -c < <(sed '1,/^\r$/d' <&5)
    exec 5>&-
}
for _ in {1..100}; do size /small >/dev/null && break; sleep 0.1; done
size /small
size /large
load() { # load PATH SECONDS: requests per second; an answer that is no 200, or a socket error, is a failure
    wrk -t 1 -c 16 -d "$2" "http://127.0.0.1:$port$1" >load
    ! grep -E 'Non-2xx|Socket errors' load >&2
    awk '/Requests\/sec/ { print $2 }' load
}
load /large 1 >/dev/null
kill -HUP $server
for _ in {1..50}; do grep -q 'reconfiguring' logs/error.log && break; sleep 0.1; done
sleep 0.3
rate=$(load /small 2)
awk -v rate="$rate" 'BEGIN { exit !(rate > 100) }'
cost "$(awk -v rate="$rate" 'BEGIN { print 10000 / rate }')" # seconds for 10,000 requests
size /large
kill -QUIT $server
status=0
wait $server || status=$?
trap - EXIT
grep -c -E '\[(emerg|alert|crit|error)\]' logs/error.log || true
echo "status $status"
