# Threads, locks, sockets, epoll, signals and forks of python3.
# coverage: 99 99.5
# needs: /usr/bin/python3
# modes: rewrite trap guest
status=0
under /usr/bin/python3 "$SRC/threads.py" || status=$?
echo "status $status"
