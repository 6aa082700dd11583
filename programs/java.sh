# A threaded Java program.
# coverage: 98 99.8
# needs: java javac
# modes: rewrite guest
status=0
under java -Xshare:auto -Xmx256m -cp "$BUILT" Threads || status=$?
echo "status $status"
