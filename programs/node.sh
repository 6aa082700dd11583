# node: an HTTP server and client in one process, fs, worker_threads, the thread pool, a signal.
# coverage: 95 99.2
# needs: node
# modes: rewrite guest
status=0
under node "$SRC/server.js" || status=$?
echo "status $status"
