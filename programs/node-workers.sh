# Worker threads of node: Atomics.wait, garbage, wasm traps, deep stacks, terminated ones, in a storm of signals.
# coverage: 95 99.6
# needs: node
# modes: rewrite trap guest
status=0
under node "$SRC/workers.js" || status=$?
echo "status $status"
