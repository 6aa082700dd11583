# Threads, locks, sockets, epoll, signals and forks of python3.
# needs: /usr/bin/python3
# modes: rewrite trap
status=0
under /usr/bin/python3 "$SRC/threads.py" || status=$?
echo "status $status"
