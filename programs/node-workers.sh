# Worker threads of node: Atomics.wait, garbage, wasm traps, deep stacks, terminated ones, in a storm of signals.
# needs: node
# modes: rewrite trap
status=0
under node "$SRC/workers.js" || status=$?
echo "status $status"
