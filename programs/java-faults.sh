# What java does by signals: safepoints, null checks, stack overflows, deoptimisation, stack walks, its own handlers.
# needs: java javac
# modes: rewrite trap guest
# timeout: 120
for options in -XX:+UseSerialGC -XX:+UseG1GC; do
    status=0
    under java -Xshare:auto -Xmx200m $options -cp "$BUILT" Faults || status=$?
    echo "status $status"
done
