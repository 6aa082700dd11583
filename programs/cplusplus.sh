# Threads of C++ and exceptions: in all threads, out of handlers of faults, while others are thrown, nobody's.
# coverage: 98 99.8
# needs: c++
# modes: rewrite trap guest
for word in '' uncaught; do
    status=0
    under "$BUILT/threads_cc" $word 2>/dev/null || status=$?
    echo "status $status"
done
