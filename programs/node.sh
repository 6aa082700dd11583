# node: an HTTP server and client in one process, fs, worker_threads, the thread pool, a signal.
# needs: node
status=0
under node "$SRC/server.js" || status=$?
echo "status $status"
