# Child processes of node: exec, execFile of node itself, spawn, fork with messages, cluster, a tool by its #! line.
# coverage: 99.5 99.6
# needs: node
# modes: rewrite command
# processes: 45
status=0
under node "$SRC/children.js" || status=$?
echo "status $status"
